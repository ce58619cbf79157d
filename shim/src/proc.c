#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn.h"
#include "frame.h"
#include "log.h"
#include "spawn.h"
#include "util.h"

#define READ_SIZE (32 * 1024)
#define GRACE_MS 500
#define EXEC_LIMIT 1024

static struct proc *procs;
static uint32_t last_number;
static uint32_t proc_count;
static const struct job *the_job;

static int start(struct proc *proc, uint32_t want, const char *process_file);
static void runtime_ended(struct child *child, int status);
static void process_ended(struct child *child, int status);
static void source_ready(struct watch *watch, uint32_t events);
static void report(struct proc *proc);

static void init(struct proc *proc, const struct job *job)
{
	the_job = job;
	proc->state = PROC_STARTING;
	proc->input.fd = -1;
	proc->console.watch.fd = -1;
	for (int i = 0; i < 2; i++)
		proc->out[i] = (struct source){
			.watch = {.fd = -1, .ready = source_ready}, .proc = proc, .stream = i == 0 ? STDOUT : STDERR};
	proc->runtime = (struct child){.leaves = true, .ended = runtime_ended};
	proc->process = (struct child){.ended = process_ended};
	proc->next = procs;
	procs = proc;
	proc_count++;
}

static void discard(struct proc *proc)
{
	for (struct proc **at = &procs; *at != NULL; at = &(*at)->next) {
		if (*at == proc) {
			*at = proc->next;
			break;
		}
	}
	proc_count--;
	timer_stop(&proc->grace);
	console_close(&proc->console);
	watch_close(&proc->input);
	for (int i = 0; i < 2; i++)
		watch_close(&proc->out[i].watch);
	if (proc->number != 0)
		free(proc);
}

int proc_run(struct proc *proc, const struct job *job)
{
	init(proc, job);
	proc->terminal = job->terminal;
	proc->held = job->hold;
	proc->closable = job->stdin_once;
	proc->rows = job->rows;
	proc->cols = job->cols;
	return start(proc, WANT_STDOUT | WANT_STDERR | (job->open_stdin ? WANT_STDIN : 0), NULL);
}

struct proc *proc_exec(const struct job *job, const char *file, uint32_t want, uint16_t rows, uint16_t cols)
{
	if (proc_count > EXEC_LIMIT) {
		fail(EAGAIN, "more than %d processes", EXEC_LIMIT);
		return NULL;
	}
	struct proc *proc = calloc(1, sizeof *proc);
	if (proc == NULL) {
		fail(errno, "exec");
		return NULL;
	}
	proc->number = ++last_number;
	init(proc, job);
	proc->terminal = (want & WANT_TERMINAL) != 0;
	proc->closable = true;
	proc->rows = rows;
	proc->cols = cols;
	snprintf(proc->prefix, sizeof proc->prefix, "exec-%u.", proc->number);
	if (start(proc, want, file) == 0)
		return proc;
	discard(proc);
	return NULL;
}

struct proc *proc_find(uint32_t number)
{
	for (struct proc *proc = procs; proc != NULL; proc = proc->next)
		if (proc->number == number)
			return proc;
	return NULL;
}

/* ---- start ---- */

static void got_terminal(struct console *console, int master);

/* One pipe; `ours` does not block. The container's root gets the other end, or it could not open /dev/stdout. */
static int make_pipe(int *ours, int *theirs, bool we_read)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail(errno, "pipe");
	*ours = ends[we_read ? 0 : 1];
	*theirs = ends[we_read ? 1 : 0];
	fcntl(*ours, F_SETFL, O_NONBLOCK | (we_read ? O_RDONLY : O_WRONLY));
	if (the_job->uids.count > 0 && fchown(*theirs, id_map_root(&the_job->uids), id_map_root(&the_job->gids)) != 0)
		return fail(errno, "pipe's owner");
	return 0;
}

static void input_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	watch_set(watch, 0);
	conns_input_ready(CONTAINER_OF(watch, struct proc, input));
}

static int make_streams(struct proc *proc, uint32_t want, int theirs[3])
{
	proc->input.ready = input_ready;
	if ((want & WANT_STDIN) != 0 && make_pipe(&proc->input.fd, &theirs[0], false) != 0)
		return -1;
	if ((want & WANT_STDOUT) != 0 && make_pipe(&proc->out[0].watch.fd, &theirs[1], true) != 0)
		return -1;
	if ((want & WANT_STDERR) != 0 && make_pipe(&proc->out[1].watch.fd, &theirs[2], true) != 0)
		return -1;
	return 0;
}

/* A path in the bundle as a runtime is given it: absolute, unless that is too long for a socket's name. */
static const char *in_bundle(char room[4200], const char *name)
{
	snprintf(room, 4200, "%s/%s", the_job->bundle, name);
	return strlen(room) < 108 ? room : name;
}

static int start_runtime(struct proc *proc, const int theirs[3], const char *process_file)
{
	char pid_file[4200], log[4200], console[4200];
	snprintf(pid_file, sizeof pid_file, "%s/%spid", the_job->bundle, proc->prefix);
	snprintf(log, sizeof log, "%s/%slog", the_job->bundle, proc->number == 0 ? "runtime." : proc->prefix);
	unlink(pid_file);
	const char *verb[16];
	size_t count = 0;
	verb[count++] = process_file == NULL ? "run" : "exec";
	verb[count++] = "--detach";
	verb[count++] = process_file == NULL ? "--bundle" : "--process";
	verb[count++] = process_file == NULL ? the_job->bundle : process_file;
	verb[count++] = "--pid-file";
	verb[count++] = pid_file;
	if (proc->terminal) {
		verb[count++] = "--console-socket";
		verb[count++] = in_bundle(console, proc->console_name);
	}
	verb[count++] = the_job->id;
	verb[count] = NULL;
	proc->runtime.pid = spawn_runtime(log, verb, theirs);
	if (proc->runtime.pid < 0)
		return -1;
	reap_add(&proc->runtime);
	return 0;
}

static int start(struct proc *proc, uint32_t want, const char *process_file)
{
	int theirs[3] = {-1, -1, -1};
	int result = 0;
	if (proc->terminal) {
		snprintf(proc->console_name, sizeof proc->console_name, "%sconsole.sock", proc->prefix);
		result = console_listen(&proc->console, proc->console_name, got_terminal);
	} else {
		result = make_streams(proc, want, theirs);
	}
	if (result == 0)
		result = start_runtime(proc, theirs, process_file);
	for (int i = 0; i < 3; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	return result;
}

static void got_terminal(struct console *console, int master)
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

static pid_t read_pid(const struct proc *proc)
{
	char path[64];
	size_t length;
	snprintf(path, sizeof path, "%spid", proc->prefix);
	char *text = read_file(path, 64, &length);
	long pid = text == NULL ? 0 : strtol(text, NULL, 10);
	free(text);
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static void remove_files(const struct proc *proc)
{
	char path[64];
	const char *const names[] = {"pid", "log"};
	for (size_t i = 0; proc->number != 0 && i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s%s", proc->prefix, names[i]);
		unlink(path);
	}
}

static uint32_t exit_code(int status)
{
	return (uint32_t)(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

const char *proc_runtime_error(const struct proc *proc, uint32_t code)
{
	static char message[8192];
	char path[64];
	size_t length = 0;
	snprintf(path, sizeof path, "%slog", proc->number == 0 ? "runtime." : proc->prefix);
	char *text = read_file(path, 1 << 20, &length);
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\0'))
		text[--length] = '\0';
	const char *line = text == NULL ? NULL : memrchr(text, '\n', length);
	line = line == NULL ? text : line + 1;
	if (length == 0)
		snprintf(message, sizeof message, "%s ended with %u and no message", the_job->runtime, code);
	else
		snprintf(message, sizeof message, "%s", line);
	free(text);
	return message;
}

static void start_failed(struct proc *proc, uint32_t code, const char *message)
{
	proc->state = PROC_FAILED;
	remove_files(proc);
	conns_failed(proc, code, message);
	if (proc->number == 0)
		container_failed(proc, code, message);
	else
		discard(proc);
}

static void runtime_ended(struct child *child, int status)
{
	struct proc *proc = CONTAINER_OF(child, struct proc, runtime);
	uint32_t code = exit_code(status);
	pid_t pid = code == 0 ? read_pid(proc) : 0;
	if (pid == 0) {
		start_failed(proc, code, proc_runtime_error(proc, code));
		return;
	}
	remove_files(proc);
	proc->pid = pid;
	proc->state = PROC_RUNNING;
	if (proc->number == 0)
		container_started(proc);
	conns_started(proc);
	if (!proc->held)
		proc_resume(proc);
	proc->process.pid = pid;
	reap_add(&proc->process);
}

/* ---- streams ---- */

static void end_source(struct source *source)
{
	struct proc *proc = source->proc;
	if (proc->number == 0)
		log_end(source->stream);
	watch_close(&source->watch);
	conns_output_end(proc, source->stream);
	if (proc->state == PROC_ENDED && proc_output_ended(proc))
		report(proc);
	else if (proc->state == PROC_REPORTED)
		proc_collect(proc);
}

static void source_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	static uint8_t buffer[READ_SIZE];
	struct source *source = CONTAINER_OF(watch, struct source, watch);
	struct proc *proc = source->proc;
	ssize_t got = read(watch->fd, buffer, sizeof buffer);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) { /* a terminal's end is EIO */
		end_source(source);
		return;
	}
	if (proc->number == 0)
		log_output(source->stream, buffer, (size_t)got);
	conns_output(proc, source->stream, buffer, (size_t)got);
	if (conns_too_slow(proc, source->stream))
		watch_set(watch, 0);
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

int proc_signal(struct proc *proc, uint32_t signal)
{
	if (signal > 64)
		return EINVAL;
	if (proc->state != PROC_RUNNING || proc->process.pid == 0)
		return ESRCH;
	return kill(proc->process.pid, (int)signal) == 0 ? 0 : errno;
}

/* ---- end ---- */

static void grace_over(struct timer *timer)
{
	report(CONTAINER_OF(timer, struct proc, grace));
}

static void process_ended(struct child *child, int status)
{
	struct proc *proc = CONTAINER_OF(child, struct proc, process);
	proc->state = PROC_ENDED;
	proc->code = exit_code(status);
	proc->ended_at = now_ns();
	watch_close(&proc->input);
	conns_input_ready(proc);
	if (proc_output_ended(proc)) {
		report(proc);
		return;
	}
	proc->grace.fire = grace_over;
	timer_start(&proc->grace, GRACE_MS);
}

static void report(struct proc *proc)
{
	timer_stop(&proc->grace);
	/* Held output outlives its process: whoever holds it back has 2 s from the start. */
	if (proc->held) {
		timer_start(&proc->grace, GRACE_MS);
		return;
	}
	proc->state = PROC_REPORTED;
	if (proc->number == 0) {
		container_ended(proc);
	} else {
		/* What it left in the background may hold the pipes for ever: that output is read and dropped. */
		conns_exit(proc);
		conns_finish(proc);
	}
	proc_collect(proc);
}

void proc_collect(struct proc *proc)
{
	if (proc->state != PROC_REPORTED || !proc_output_ended(proc))
		return;
	conns_finish(proc);
	if (proc->number != 0)
		discard(proc);
}

bool proc_any_exec_open(void)
{
	for (struct proc *proc = procs; proc != NULL; proc = proc->next)
		if (proc->number != 0)
			return true;
	return false;
}
