/* Runs the OCI runtime: one command line a verb, started without copying the shim (vfork). */
#ifndef HOY_SPAWN_H
#define HOY_SPAWN_H

#include <sys/types.h>

#include "inside.h"
#include "job.h"

/* Remembers the job, and keeps the runtime's copy from all but the runtime. -1 with error_text() when it is not there. */
int spawn_init(const struct job *job);

/* Starts `runtime [args] --root R --log LOG --log-format json VERB…` with these three streams (-1: /dev/null) in the
 * bundle; `verb` ends with NULL. With `inside` (or NULL) it begins in the container's cgroups where it can. Gives its pid;
 * -1 with error_text(). */
pid_t spawn_runtime(const char *log, const char *const verb[], const int streams[3], const struct inside *inside);

/* Sets the OOM score that the shim itself should have; where that is not allowed, it stays. */
void spawn_guard_against_oom(void);

#endif
