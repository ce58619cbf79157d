/* Processes: which there are, signals to them, and their end. */

#include "proc_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn.h"
#include "frame.h"
#include "util.h"

#define GRACE_MS 500
#define EXEC_LIMIT 1024

static struct proc *procs;
static uint32_t last_number;
static uint32_t proc_count;

static void add(struct proc *proc)
{
	proc->state = PROC_STARTING;
	proc_init_streams(proc);
	proc->next = procs;
	procs = proc;
	proc_count++;
}

void proc_discard(struct proc *proc)
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
	add(proc);
	proc->terminal = job->terminal;
	proc->held = job->hold;
	proc->closable = job->stdin_once;
	proc->rows = job->rows;
	proc->cols = job->cols;
	return proc_start(proc, job, WANT_STDOUT | WANT_STDERR | (job->open_stdin ? WANT_STDIN : 0), NULL);
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
	add(proc);
	proc->terminal = (want & WANT_TERMINAL) != 0;
	proc->closable = true;
	proc->rows = rows;
	proc->cols = cols;
	snprintf(proc->prefix, sizeof proc->prefix, "exec-%u.", proc->number);
	if (proc_start(proc, job, want, file) == 0)
		return proc;
	proc_discard(proc);
	return NULL;
}

struct proc *proc_find(uint32_t number)
{
	for (struct proc *proc = procs; proc != NULL; proc = proc->next)
		if (proc->number == number)
			return proc;
	return NULL;
}

int proc_signal(struct proc *proc, uint32_t signal)
{
	if (signal > 64)
		return EINVAL;
	if (proc->state != PROC_RUNNING || proc->process.pid == 0)
		return ESRCH;
	return kill(proc->process.pid, (int)signal) == 0 ? 0 : errno;
}

uint32_t proc_exit_code(int status)
{
	return (uint32_t)(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void report(struct proc *proc);

/* What it wrote before its end may lie unread yet: a client is slow, or this process was not run for so long. It comes
 * before the exit, which is the last that an exec's client is given. */
static void grace_over(struct timer *timer)
{
	struct proc *proc = CONTAINER_OF(timer, struct proc, grace);
	if (!proc->held)
		proc_take_rest(proc);
	report(proc);
}

void proc_process_ended(struct child *child, int status)
{
	struct proc *proc = CONTAINER_OF(child, struct proc, process);
	proc->state = PROC_ENDED;
	proc->code = proc_exit_code(status);
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

static void collect(struct proc *proc);

/* For a daemon that asks only after its own restart. Without room for it (memory, most likely) it is lost to that one. */
static void leave_exit(const struct proc *proc)
{
	char path[40], text[96], time[TIME_TEXT];
	format_time(proc->ended_at, time);
	snprintf(path, sizeof path, "%sexit", proc->prefix);
	int length = snprintf(text, sizeof text, "{\"code\":%u,\"oomKilled\":false,\"at\":\"%s\"}\n", proc->code, time);
	(void)write_whole(path, text, (size_t)length, false);
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
		leave_exit(proc);
		conns_exit(proc);
		conns_finish(proc);
	}
	collect(proc);
}

/* Removes an exec that nobody needs any more. */
static void collect(struct proc *proc)
{
	if (proc->state != PROC_REPORTED || !proc_output_ended(proc))
		return;
	conns_finish(proc);
	if (proc->number != 0)
		proc_discard(proc);
}

void proc_output_over(struct proc *proc)
{
	if (proc->state == PROC_ENDED && proc_output_ended(proc))
		report(proc);
	else
		collect(proc);
}

bool proc_any_exec_open(void)
{
	for (struct proc *proc = procs; proc != NULL; proc = proc->next)
		if (proc->number != 0)
			return true;
	return false;
}
