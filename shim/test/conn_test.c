/* How connections end: nothing that was sent is lost, whatever the peer writes at that moment. The processes are made
 * up; the socket and the loop are real. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../src/conn.h"
#include "../src/frame.h"
#include "../src/log.h"
#include "../src/loop.h"
#include "../src/own_program.h"
#include "../src/util.h"
#include "check.h"

static struct proc exec = {.number = 1, .pid = 7};
static struct job job;

/* ---- what the connections ask of the processes ---- */

struct proc *proc_find(uint32_t number)
{
	static struct proc container = {.state = PROC_RUNNING};
	return number == 0 ? &container : number == 1 ? &exec : NULL;
}

struct proc *proc_exec(const struct job *of, const char *file, uint32_t want, uint16_t rows, uint16_t cols)
{
	(void)of, (void)file, (void)want, (void)rows, (void)cols;
	exec.state = PROC_STARTING;
	return &exec;
}

static int not_yet; /* how often the container's process is still the runtime's */

bool own_program(const struct proc *container, const struct job *of)
{
	(void)container, (void)of;
	return not_yet-- <= 0;
}

size_t proc_input(struct proc *proc, const uint8_t *data, size_t length)
{
	(void)proc, (void)data;
	return length;
}

void proc_input_end(struct proc *proc)
{
	(void)proc;
}

int proc_signal(struct proc *proc, uint32_t signal)
{
	(void)proc, (void)signal;
	return 0;
}

int proc_resize(struct proc *proc, uint16_t rows, uint16_t cols)
{
	(void)proc, (void)rows, (void)cols;
	return 0;
}

void proc_release(struct proc *proc)
{
	(void)proc;
}

void proc_resume(struct proc *proc)
{
	(void)proc;
}

bool proc_output_ended(const struct proc *proc)
{
	(void)proc;
	return true;
}

int log_reopen(void)
{
	return 0;
}

void log_position(uint64_t *inode, uint64_t *size)
{
	*inode = 11;
	*size = 22;
}

const uint8_t *log_unfinished(enum stream stream, size_t *length)
{
	*length = stream == STDOUT ? 4 : 0;
	return (const uint8_t *)"half";
}

/* ---- the daemon's side ---- */

static int dial(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "shim.sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) == 0);
	return fd;
}

static ssize_t put(int fd, uint8_t type, const void *payload, size_t length)
{
	static uint8_t data[FRAME_HEADER + FRAME_PAYLOAD];
	frame_header(data, type, 0, (uint32_t)length);
	memcpy(data + FRAME_HEADER, payload, length);
	return send(fd, data, FRAME_HEADER + length, MSG_NOSIGNAL);
}

static void put_exec(int fd)
{
	uint8_t payload[10] = {0};
	put_u32(payload, WANT_STDIN | WANT_STDOUT);
	memcpy(payload + 8, "/f", 2);
	CHECK(put(fd, FRAME_EXEC, payload, sizeof payload) == FRAME_HEADER + sizeof payload);
}

/* ---- the loop, until ... ---- */

static uint64_t until;
static struct timer tick;

static void ticked(struct timer *timer)
{
	timer_start(timer, 10);
}

static bool exec_asked(void)
{
	return exec.state == PROC_STARTING;
}

static bool idle(void)
{
	return !conns_pending();
}

static bool time_over(void)
{
	return monotonic_ns() >= until;
}

static void run_for(uint32_t ms)
{
	until = monotonic_ns() + (uint64_t)ms * 1000000;
	loop_run(time_over);
}

/* An exec that has given `size` bytes and ended, on a new connection whose peer has read nothing yet. */
static int ended_exec(size_t size)
{
	exec.state = PROC_REPORTED;
	int fd = dial();
	put_exec(fd);
	loop_run(exec_asked);
	exec.state = PROC_RUNNING;
	conns_started(&exec);
	uint8_t *data = calloc(1, size);
	for (size_t at = 0; at < size; at += 32768)
		conns_output(&exec, STDOUT, data + at, size - at < 32768 ? size - at : 32768);
	free(data);
	exec.state = PROC_REPORTED;
	conns_exit(&exec);
	conns_finish(&exec);
	return fd;
}

/* Reads whole frames to the end of the connection; gives the bytes of output. EXIT must be the last. */
static size_t read_all(int fd)
{
	size_t output = 0, length = 0;
	uint8_t last = 0;
	static uint8_t data[4 * FRAME_PAYLOAD];
	for (;;) {
		ssize_t got = read(fd, data + length, sizeof data - length);
		if (got < 0) {
			CHECK(errno == EAGAIN);
			run_for(10);
			continue;
		}
		if (got == 0)
			break;
		length += (size_t)got;
		size_t at = 0;
		while (length - at >= FRAME_HEADER && length - at >= FRAME_HEADER + get_u32(data + at + 4)) {
			last = data[at];
			output += last == FRAME_OUT ? get_u32(data + at + 4) : 0;
			at += FRAME_HEADER + get_u32(data + at + 4);
		}
		length -= at;
		memmove(data, data + at, length);
	}
	CHECK(length == 0 && last == FRAME_EXIT);
	return output;
}

/* ---- the tests ---- */

static void test_input_behind_the_end(size_t size)
{
	int fd = ended_exec(size);
	CHECK(conns_pending());
	run_for(20);
	CHECK(put(fd, FRAME_STDIN, "late", 4) > 0);
	run_for(20);
	CHECK(put(fd, FRAME_STDIN_EOF, "", 0) > 0);
	CHECK(read_all(fd) == size);
	CHECK(conns_pending());
	close(fd);
	loop_run(idle);
}

static void test_input_before_the_end_was_seen(void)
{
	int fd = ended_exec(5);
	CHECK(put(fd, FRAME_STDIN, "late", 4) > 0 && put(fd, FRAME_STDIN_EOF, "", 0) > 0);
	conns_shut();
	CHECK(read_all(fd) == 5);
	close(fd);
	loop_run(idle);
}

/* Neither one that writes for ever nor one that does nothing holds the shim for longer than its patience. */
static void test_patience(bool writes)
{
	static uint8_t data[FRAME_PAYLOAD];
	int fd = ended_exec(5);
	size_t put_in = 0;
	while (conns_pending()) {
		ssize_t got = writes ? put(fd, FRAME_STDIN, data, sizeof data) : 0;
		put_in += got > 0 ? (size_t)got : 0;
		run_for(10);
	}
	CHECK(put_in < 4 * 1024 * 1024);
	CHECK(put(fd, FRAME_STDIN_EOF, "", 0) < 0);
	close(fd);
}

static void test_leaves_at_the_limit(void)
{
	static uint8_t data[FRAME_PAYLOAD];
	int fd = ended_exec(5);
	for (int i = 0; i < 100; i++) {
		(void)put(fd, FRAME_STDIN, data, sizeof data);
		run_for(1);
	}
	CHECK(conns_pending());
	close(fd);
	run_for(50);
	CHECK(!conns_pending());
}

/* Nothing enters a container whose process is still the runtime's; what came too early is done once it is not. */
static void test_exec_waits_for_the_program(void)
{
	exec.state = PROC_REPORTED;
	not_yet = 2;
	int fd = dial();
	put_exec(fd);
	run_for(20);
	CHECK(not_yet == 1 && exec.state == PROC_REPORTED);
	conns_input_ready(proc_find(0));
	CHECK(not_yet == 0 && exec.state == PROC_REPORTED);
	conns_input_ready(proc_find(0));
	CHECK(exec.state == PROC_STARTING);
	conns_started(&exec);
	conns_exit(&exec);
	conns_finish(&exec);
	CHECK(read_all(fd) == 0);
	close(fd);
	loop_run(idle);
}

int main(void)
{
	char directory[] = "/tmp/conn-test-XXXXXX";
	CHECK(mkdtemp(directory) != NULL && chdir(directory) == 0);
	CHECK(loop_init() == 0 && conns_init(&job) == 0);
	tick.fire = ticked;
	timer_start(&tick, 10);
	test_exec_waits_for_the_program();
	test_input_behind_the_end(5);
	test_input_behind_the_end(2 * 1024 * 1024);
	test_leaves_at_the_limit();
	test_patience(true);
	test_patience(false);
	test_input_before_the_end_was_seen();
	CHECK(rmdir(directory) == 0);
	return 0;
}
