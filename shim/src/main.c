/* hoy-shim JOB: the process beside one container. The order of a container's life; each step is another file's. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn.h"
#include "job.h"
#include "log.h"
#include "loop.h"
#include "mounts.h"
#include "oom.h"
#include "proc.h"
#include "reap.h"
#include "spawn.h"
#include "userns.h"
#include "util.h"

#define FAULT 125 /* the exit code of a FAILED that is not the runtime's */
#define HOLD_MS 2000
#define LINGER_MS 60000
#define DROP_MS 1000
#define NETWORK_MS 30000

extern char __executable_start, etext; /* the linker's: end(3) */

static struct job job;
static struct proc container;
static struct userns userns;
static bool failed; /* it never ran: leave when the undoing is done */
static bool over; /* it has ended, and the runtime's record of it is gone */
static bool impatient; /* nobody took any output for LINGER_MS */

static int load_job(const char *path);
static int prepare(void);
static int make_file_system(void);
static int wait_for_network(void);
static void report_failure(uint32_t code, const char *message);
static bool finished(void);

int main(int count, char **arguments)
{
	if (count != 2 || load_job(arguments[1]) != 0) {
		const char *message = count == 2 ? error_text() : "usage: hoy-shim JOB";
		if (write_all(STDERR_FILENO, message, strlen(message)) == 0)
			(void)!write(STDERR_FILENO, "\n", 1);
		return 2;
	}
	if (prepare() != 0 || make_file_system() != 0 || log_init(&job.log) != 0 || wait_for_network() != 0 ||
	    proc_run(&container, &job) != 0) {
		report_failure(FAULT, error_text());
		return 1;
	}
	loop_run(finished);
	log_close();
	return failed ? 1 : 0;
}

static int load_job(const char *path)
{
	size_t length;
	char *data = read_file(path, JOB_LIMIT, &length);
	if (data == NULL)
		return fail(errno, "job %s", path);
	return job_parse(&job, data, length);
}

/* Joining a cgroup waits for an RCU grace period, some 8 ms, once; a second move soon after does not. So a helper does
 * it beside the mounts, and the runtime's own moves, which follow, are spared the wait. Nobody depends on the result. */
static void join_cgroups(void)
{
	char text[16];
	int length = snprintf(text, sizeof text, "%d", (int)getpid());
	if (job.cgroup_procs.count == 0 || fork() != 0)
		return;
	be_alone(-1);
	for (size_t i = 0; i < job.cgroup_procs.count; i++) {
		int fd = open(job.cgroup_procs.items[i], O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			(void)!write(fd, text, (size_t)length);
	}
	_exit(0);
}

static int prepare(void)
{
	umask(0);
	setsid();
	spawn_init(&job);
	join_cgroups();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return fail(errno, "subreaper");
	spawn_guard_against_oom();
	if (chdir(job.bundle) != 0)
		return fail(errno, "%s", job.bundle);
	return loop_init() != 0 || reap_init() != 0 || conns_init(&job) != 0 ? -1 : 0;
}

/* The daemon learns of the network namespace first, and fills it while the mounts are made. */
static int make_file_system(void)
{
	if (userns_open(&userns, &job.uids, &job.gids, job.netns) != 0)
		return -1;
	if (job.netns) {
		char line[32];
		int length = snprintf(line, sizeof line, "NETNS %d\n", (int)userns.helper);
		if (write_all(STDOUT_FILENO, line, (size_t)length) != 0)
			return fail(errno, "the daemon is gone");
	}
	int result = mounts_make(&job, userns.fd);
	if (userns.fd >= 0)
		close(userns.fd);
	return result;
}

/* config.json and the interfaces are ready when `G` comes; a daemon that is gone meanwhile closes the pipe. */
static int wait_for_network(void)
{
	if (!job.netns)
		return 0;
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char go = 0;
	if (poll(&input, 1, NETWORK_MS) != 1)
		return fail(0, "the network was not ready within 30 s");
	return read(STDIN_FILENO, &go, 1) == 1 && go == 'G' ? 0 : fail(0, "the daemon gave up on the network");
}

/* ---- what the daemon is told ---- */

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

static void report_failure(uint32_t code, const char *message)
{
	char line[9000];
	int length = snprintf(line, sizeof line - 1, "FAILED %u %s", code, message);
	if (length < 0 || (size_t)length >= sizeof line - 1)
		length = (int)strlen(line);
	for (int i = 0; i < length; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[length++] = '\n';
	userns_end_helper(&userns);
	unlink("shim.sock");
	tell(line, (size_t)length);
}

/* ---- the container's life ---- */

static void hold_over(struct timer *timer)
{
	(void)timer;
	proc_release(&container);
}

void container_started(struct proc *proc)
{
	userns_end_helper(&userns);
	char line[32];
	int length = snprintf(line, sizeof line, "STARTED %d\n", (int)proc->pid);
	tell(line, (size_t)length);
	oom_watch(&job, conns_oom);
	/* What was run until now is not needed again: its pages count as the shim's until it gives them back. */
	madvise(&__executable_start, (size_t)(&etext - &__executable_start), MADV_DONTNEED);
	static struct timer hold = {.fire = hold_over};
	if (proc->held)
		timer_start(&hold, HOLD_MS);
}

/* Asks the runtime to forget the container; `ended` follows. */
static void run_delete(void (*ended)(struct child *child, int status))
{
	static struct child child;
	static char log[4200];
	snprintf(log, sizeof log, "%s/delete.log", job.bundle);
	const char *const verb[] = {"delete", "--force", job.id, NULL};
	child = (struct child){.leaves = true, .ended = ended};
	child.pid = spawn_runtime(log, verb, (const int[]){-1, -1, -1});
	if (child.pid > 0)
		reap_add(&child);
	else
		ended(&child, 0);
}

static void failure_undone(struct child *child, int status)
{
	(void)child;
	(void)status;
	failed = true;
}

static char failure[8300];
static uint32_t failure_code;

static void undone(struct child *child, int status)
{
	report_failure(failure_code, failure);
	failure_undone(child, status);
}

/* Undone first, told then: who hears FAILED may start again at once. */
void container_failed(struct proc *proc, uint32_t code, const char *message)
{
	(void)proc;
	failure_code = code;
	snprintf(failure, sizeof failure, "%s", message);
	run_delete(undone);
}

/* exit.json: beside, fsync, rename. A reader sees all of it or nothing. */
static int write_exit(const struct proc *proc)
{
	char beside[4200], path[4200], text[128], time[TIME_TEXT];
	snprintf(beside, sizeof beside, "%s/exit.json.tmp", job.state);
	snprintf(path, sizeof path, "%s/exit.json", job.state);
	format_time(proc->ended_at, time);
	int length = snprintf(text, sizeof text, "{\"code\":%u,\"oomKilled\":%s,\"at\":\"%s\"}\n", proc->code,
			      proc->oom ? "true" : "false", time);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(errno, "%s", beside);
	int result = write_all(fd, text, (size_t)length) == 0 && fsync(fd) == 0 && rename(beside, path) == 0 ? 0 : -1;
	close(fd);
	return result;
}

static void linger_over(struct timer *timer)
{
	bool moved;
	conns_pending(&moved);
	if (moved)
		timer_start(timer, LINGER_MS);
	else
		impatient = true;
}

/* Still here for a slow reader: the container's disk should not wait for that. Not done at once, since unmounting an
 * overlay writes out the whole file system under it, and the daemon need not wait for that either. */
static void linger_on(struct timer *timer)
{
	mounts_drop(&job);
	timer->fire = linger_over;
	timer_start(timer, LINGER_MS);
}

static void forgotten(struct child *child, int status)
{
	(void)child;
	(void)status;
	unlink("job");
	over = true;
	conns_shut();
	static struct timer linger = {.fire = linger_on};
	timer_start(&linger, DROP_MS);
}

void container_ended(struct proc *proc)
{
	proc->oom = oom_happened(&job);
	if (write_exit(proc) != 0)
		(void)fail(errno, "exit.json");
	conns_exit(proc);
	run_delete(forgotten);
}

static bool finished(void)
{
	if (failed || impatient)
		return true;
	bool moved;
	return over && proc_output_ended(&container) && !proc_any_exec_open() && !conns_pending(&moved);
}
