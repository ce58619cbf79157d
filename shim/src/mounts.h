/* The container's file system, made in the shim's private mount namespace: everything here ends with the shim, by
 * whatever death. Overlay's directories are named by short relative paths in `bundle/m`, so that hundreds of lowers
 * fit in mount(2)'s one page on every kernel, and no path of the host shows in the container's /proc/mounts. */
#ifndef HOY_MOUNTS_H
#define HOY_MOUNTS_H

#include "job.h"

/* Private namespace, hidden mounts, binds, overlay; `userns` is the mapping's namespace, -1 without one. -1 with
 * error_text(). Leaves the working directory in the bundle. */
int mounts_make(const struct job *job, int userns);

/* Detaches the container's root, once it has ended, though the shim may stay for a slow reader of its output. */
void mounts_drop(const struct job *job);

#endif
