/* Execs that start inside the container's cgroups (v1), instead of being moved there. The kernel makes who moves another
 * process wait for an RCU grace period (5 to 17 ms); who moves itself alone, by writing 0 to `tasks`, does not wait
 * (kernel/cgroup/cgroup.c, cgroup_procs_write_start, Linux 5.4 and later). So the child that becomes crun goes in by
 * itself, and crun reads a record of the container that names no cgroup to join. With cgroup v2 crun clones into the
 * group and needs none of this. */
#ifndef HOY_INSIDE_H
#define HOY_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "job.h"

#define MAX_HIERARCHIES 32

struct inside {
	const char *root; /* the runtime's --root with that record */
	int tasks[MAX_HIERARCHIES]; /* one open file a hierarchy */
	size_t count;
};

/* False, with nothing open: the runtime has to join the cgroups itself, as it always can. */
bool inside_open(struct inside *inside, const struct job *job);
void inside_close(struct inside *inside);

/* Moves the caller. Only system calls: for between vfork and exec. After false some moves may be done, which do no harm:
 * the runtime makes the others. */
bool inside_enter(const struct inside *inside);

/* For tests. The record's text with an empty cgroup-path, in fresh memory, and the path that it had; NULL when this is no
 * record of crun's, or the path one that is not to be used. */
char *inside_record(const char *status, size_t length, char **cgroup_path);

#endif
