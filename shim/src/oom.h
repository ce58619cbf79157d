/* Out of memory: counted in the container's cgroup files (v1 memory.oom_control, v2 memory.events). */
#ifndef HOY_OOM_H
#define HOY_OOM_H

#include <stdbool.h>

#include "job.h"

/* Calls `happened` for each time that processes of the container were killed for want of memory. Call when its cgroup
 * is there; a kernel that can't tell is no fault, the count is still asked at the end. */
void oom_watch(const struct job *job, void (*happened)(void));

/* Was a process of the container killed for want of memory, ever? Asked before its cgroup goes. */
bool oom_happened(const struct job *job);

#endif
