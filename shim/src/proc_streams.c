/* Processes: reading their output, writing their input, the size of their terminal. */

#include "proc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"

#define READ_SIZE (32 * 1024)
#define TERMINAL_ROOM (128 * 1024) /* more than the kernel keeps of a terminal's output */

static void source_ready(struct watch *watch, uint32_t events);

static void input_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	watch_set(watch, 0);
	conns_input_ready(CONTAINER_OF(watch, struct proc, input));
}

void proc_init_streams(struct proc *proc)
{
	proc->input = (struct watch){.fd = -1, .ready = input_ready};
	proc->console.watch.fd = -1;
	for (int i = 0; i < 2; i++)
		proc->out[i] = (struct source){
			.watch = {.fd = -1, .ready = source_ready}, .proc = proc, .stream = i == 0 ? STDOUT : STDERR};
}

void proc_got_terminal(struct console *console, int master)
{
	struct proc *proc = CONTAINER_OF(console, struct proc, console);
	/* One description, two watches: epoll tells descriptors apart by number. */
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	proc->out[0].watch.fd = master;
	proc->input.fd = fcntl(master, F_DUPFD_CLOEXEC, 3);
	if (proc->rows != 0 && proc->cols != 0)
		proc_resize(proc, proc->rows, proc->cols);
	if (proc->state == PROC_RUNNING)
		proc_resume(proc);
	conns_input_ready(proc);
}

/* Reads one piece, once, and hands it on: its length, 0 when nothing is there now, -1 when the source is at its end, and
 * closed. */
static ssize_t read_source(struct source *source)
{
	static uint8_t buffer[READ_SIZE];
	struct proc *proc = source->proc;
	ssize_t got = read(source->watch.fd, buffer, sizeof buffer);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) { /* a terminal's end is EIO */
		if (proc->number == 0)
			log_end(source->stream);
		watch_close(&source->watch);
		conns_output_end(proc, source->stream);
		return -1;
	}
	if (proc->number == 0)
		log_output(source->stream, buffer, (size_t)got);
	conns_output(proc, source->stream, buffer, (size_t)got);
	return got;
}

static void source_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct source *source = CONTAINER_OF(watch, struct source, watch);
	struct proc *proc = source->proc;
	if (read_source(source) < 0)
		proc_output_over(proc); /* nothing of it may be touched behind this */
	else if (conns_too_slow(proc, source->stream))
		watch_set(watch, 0);
}

void proc_take_rest(struct proc *proc)
{
	for (int i = 0; i < 2; i++) {
		struct source *source = &proc->out[i];
		int room = source->watch.fd < 0 ? 0 : fcntl(source->watch.fd, F_GETPIPE_SZ);
		ssize_t left = room < TERMINAL_ROOM ? TERMINAL_ROOM : room, got = 0;
		while (source->watch.fd >= 0 && left > 0 && (got = read_source(source)) > 0)
			left -= got;
	}
}

void proc_resume(struct proc *proc)
{
	if (proc->held || proc->state == PROC_STARTING)
		return;
	for (int i = 0; i < 2; i++)
		if (!conns_too_slow(proc, proc->out[i].stream))
			watch_set(&proc->out[i].watch, EPOLLIN);
}

void proc_release(struct proc *proc)
{
	proc->held = false;
	proc_resume(proc);
}

bool proc_output_ended(const struct proc *proc)
{
	return proc->out[0].watch.fd < 0 && proc->out[1].watch.fd < 0;
}

size_t proc_input(struct proc *proc, const uint8_t *data, size_t length)
{
	if (proc->input.fd < 0)
		return proc->terminal && proc->state <= PROC_RUNNING && proc->console.watch.fd >= 0 ? 0 : length;
	size_t done = 0;
	while (done < length) {
		ssize_t put = write(proc->input.fd, data + done, length - done);
		if (put >= 0) {
			done += (size_t)put;
		} else if (errno == EAGAIN) {
			watch_set(&proc->input, EPOLLOUT);
			return done;
		} else if (errno != EINTR) {
			watch_close(&proc->input);
			return length;
		}
	}
	return done;
}

void proc_input_end(struct proc *proc)
{
	/* A terminal has no end of input to give but its own characters; closing the master would hang it up. */
	if (proc->closable && !proc->terminal)
		watch_close(&proc->input);
}

int proc_resize(struct proc *proc, uint16_t rows, uint16_t cols)
{
	if (!proc->terminal)
		return ENOTTY;
	proc->rows = rows;
	proc->cols = cols;
	struct winsize size = {.ws_row = rows, .ws_col = cols};
	if (proc->input.fd >= 0 && ioctl(proc->input.fd, TIOCSWINSZ, &size) != 0)
		return errno;
	return 0;
}
