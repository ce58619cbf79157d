#include "own_program.h"

#include <stdio.h>
#include <sys/stat.h>

#include "conn.h"
#include "loop.h"
#include "util.h"

#define ASK_MS 1
#define PATIENCE_NS (5 * NS_PER_S)

static void ask_again(struct timer *timer)
{
	(void)timer;
	struct proc *container = proc_find(0);
	if (container != NULL)
		conns_input_ready(container);
}

static struct timer later = {.fire = ask_again};

/* The links of a process that may not be looked into belong to the root of the namespace that its memory is of
 * (proc(5), "/proc/pid"): of the host's as long as it is the runtime's, since that began there. */
static bool is_runtime(pid_t pid)
{
	char path[48];
	struct stat about;
	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	return lstat(path, &about) == 0 && about.st_uid == 0;
}

bool own_program(const struct proc *container, const struct job *job)
{
	static bool sure;
	static uint64_t since;
	/* Without a user namespace of its own nothing of it tells, and nothing of it is in the way. */
	if (sure || job->uids.count == 0 || id_map_root(&job->uids) == 0)
		return true;
	if (since == 0)
		since = monotonic_ns();
	sure = !is_runtime(container->pid) || monotonic_ns() - since > PATIENCE_NS;
	if (!sure)
		timer_start(&later, ASK_MS);
	return sure;
}
