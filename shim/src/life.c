#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn.h"
#include "loop.h"
#include "mounts.h"
#include "oom.h"
#include "proc.h"
#include "spawn.h"
#include "util.h"

#define HOLD_MS 2000
#define SETTLE_MS 3000
#define DROP_MS 1000
#define LINGER_MS 60000

extern char __executable_start, etext; /* the linker's: end(3) */

static const struct job *the_job;
static struct userns *the_userns;
static bool failed; /* it never ran: leave when the undoing is done */
static bool over; /* it has ended, and the runtime's record of it is gone */
static bool impatient; /* nobody took any output for LINGER_MS */

void life_init(const struct job *job, struct userns *userns)
{
	the_job = job;
	the_userns = userns;
}

bool life_ran(void)
{
	return !failed;
}

/* The streams were the daemon's until now; nothing may keep its pipes open, or its terminal. */
static void let_go_of_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
}

/* A daemon that is gone meanwhile is no fault: the next one asks on the socket. */
static void tell(const char *line, size_t length)
{
	if (write_all(STDOUT_FILENO, line, length) != 0)
		(void)fail(errno, "daemon");
	let_go_of_streams();
}

void life_failed(uint32_t code, const char *message)
{
	char line[9000];
	int length = snprintf(line, sizeof line - 1, "FAILED %u %s", code, message);
	if (length < 0 || (size_t)length >= sizeof line - 1)
		length = (int)strlen(line);
	for (int i = 0; i < length; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[length++] = '\n';
	userns_end_helper(the_userns);
	unlink("shim.sock");
	tell(line, (size_t)length);
}

static void hold_over(struct timer *timer)
{
	(void)timer;
	proc_release(proc_find(0));
}

/* The code that a start takes is not needed again soon, and its pages count as the shim's until it gives them back. */
static void settled(struct timer *timer)
{
	(void)timer;
	madvise(&__executable_start, (size_t)(&etext - &__executable_start), MADV_DONTNEED);
}

void container_started(struct proc *proc)
{
	userns_end_helper(the_userns);
	char line[32];
	int length = snprintf(line, sizeof line, "STARTED %d\n", (int)proc->pid);
	tell(line, (size_t)length);
	oom_watch(the_job, conns_oom);
	static struct timer settle = {.fire = settled};
	timer_start(&settle, SETTLE_MS);
	static struct timer hold = {.fire = hold_over};
	if (proc->held)
		timer_start(&hold, HOLD_MS);
}

/* Asks the runtime to forget the container; `ended` follows. */
static void run_delete(void (*ended)(struct child *child, int status))
{
	static struct child child;
	static char log[4200];
	snprintf(log, sizeof log, "%s/delete.log", the_job->bundle);
	const char *const verb[] = {"delete", "--force", the_job->id, NULL};
	child = (struct child){.leaves = true, .ended = ended};
	child.pid = spawn_runtime(log, verb, (const int[]){-1, -1, -1}, NULL);
	if (child.pid > 0)
		reap_add(&child);
	else
		ended(&child, 0);
}

static char failure[8300];
static uint32_t failure_code;

static void undone(struct child *child, int status)
{
	(void)child;
	(void)status;
	life_failed(failure_code, failure);
	failed = true;
}

/* Undone first, told then: who hears FAILED may start again at once. */
void container_failed(struct proc *proc, uint32_t code, const char *message)
{
	(void)proc;
	failure_code = code;
	snprintf(failure, sizeof failure, "%s", message);
	run_delete(undone);
}

static int write_exit_in(const char *directory, const char *text, size_t length)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/exit.json", directory);
	return write_whole(path, text, length, true);
}

/* With a full disk under the state directory the bundle, in memory most likely, has to do. */
static void write_exit(const struct proc *proc)
{
	char text[128], time[TIME_TEXT];
	format_time(proc->ended_at, time);
	int length = snprintf(text, sizeof text, "{\"code\":%u,\"oomKilled\":%s,\"at\":\"%s\"}\n", proc->code,
			      proc->oom ? "true" : "false", time);
	if (write_exit_in(the_job->state, text, (size_t)length) != 0)
		(void)write_exit_in(the_job->bundle, text, (size_t)length);
}

static void linger_over(struct timer *timer)
{
	if (conns_moved())
		timer_start(timer, LINGER_MS);
	else
		impatient = true;
}

/* Still here for a slow reader: the container's disk should not wait for that. Not done at once, since unmounting an
 * overlay writes out the whole file system under it, and the daemon need not wait for that either. */
static void linger_on(struct timer *timer)
{
	mounts_drop(the_job);
	timer->fire = linger_over;
	timer_start(timer, LINGER_MS);
}

static void finish(void)
{
	over = true;
	conns_shut();
	static struct timer linger = {.fire = linger_on};
	timer_start(&linger, DROP_MS);
}

static void forgotten(struct child *child, int status)
{
	(void)child;
	(void)status;
	unlink("job");
	finish();
}

/* Without `delete` the job stays: the sign for the daemon, this one or the next, that there is something to clear up. */
void container_ended(struct proc *proc)
{
	proc->oom = oom_happened(the_job);
	write_exit(proc);
	conns_exit(proc);
	if (the_job->deletes)
		run_delete(forgotten);
	else
		finish();
}

bool life_over(void)
{
	if (failed || impatient)
		return true;
	return over && proc_output_ended(proc_find(0)) && !proc_any_exec_open() && !conns_pending();
}
