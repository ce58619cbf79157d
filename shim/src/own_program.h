/* Whether the container's first process runs its own program yet. The OCI runtime calls it started a moment before: what
 * runs in the container then is still the runtime's code, on its way to execve(2). */
#ifndef HOY_OWN_PROGRAM_H
#define HOY_OWN_PROGRAM_H

#include <stdbool.h>

#include "job.h"
#include "proc.h"

/* For whoever is to enter the container now: crun (1.8 at least) joins the user namespace first and then asks the kernel
 * for the rest by the process, which for the runtime's own code is EPERM (setns(2), ptrace(2) "access mode checking").
 * False: it will be soon, and conns_input_ready() is called to ask again. Waits no longer than 5 s in all. */
bool own_program(const struct proc *container, const struct job *job);

#endif
