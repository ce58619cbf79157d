/* hoy-shim JOB: the process beside one container. The order of a container's life; each step is another file's. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conn.h"
#include "job.h"
#include "life.h"
#include "log.h"
#include "loop.h"
#include "mounter.h"
#include "mounts.h"
#include "proc.h"
#include "reap.h"
#include "spawn.h"
#include "userns.h"
#include "util.h"

#define NETWORK_MS 30000

static struct job job;
static struct proc container;
static struct userns userns;

static int load_job(const char *path);
static int prepare(void);
static int make_file_system(void);
static int wait_for_network(void);

int main(int count, char **arguments)
{
	if (count == 3 && strcmp(arguments[1], "--mount") == 0)
		return mounter_run(arguments[2]);
	if (count != 2 || load_job(arguments[1]) != 0) {
		const char *message = count == 2 ? error_text() : "usage: hoy-shim JOB";
		if (write_all(STDERR_FILENO, message, strlen(message)) == 0)
			(void)!write(STDERR_FILENO, "\n", 1);
		return 2;
	}
	if (prepare() != 0 || make_file_system() != 0 || log_init(&job.log) != 0 || wait_for_network() != 0 ||
	    proc_run(&container, &job) != 0) {
		life_failed(FAULT, error_text());
		return 1;
	}
	loop_run(life_over);
	log_close();
	return life_ran() ? 0 : 1;
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
	life_init(&job, &userns);
	if (spawn_init(&job) != 0)
		return -1;
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
