/* Out of memory: counted in the container's cgroup files (v1 memory.oom_control, v2 memory.events). */
#ifndef HOY_OOM_H
#define HOY_OOM_H

#include <stdbool.h>

#include "job.h"

/* Was a process of the container killed for want of memory? Asked before its cgroup goes. */
bool oom_happened(const struct job *job);

#endif
