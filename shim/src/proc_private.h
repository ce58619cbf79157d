/* One process, for the files that share the work on it: proc.c (which there are, their end), proc_start.c (the runtime's
 * call), proc_streams.c (input and output). For nobody else. */
#ifndef HOY_PROC_PRIVATE_H
#define HOY_PROC_PRIVATE_H

#include "proc.h"

/* proc.c */
void proc_discard(struct proc *proc); /* forgets it; an exec's memory is gone */
uint32_t proc_exit_code(int status); /* as a shell would say it: 128 and the signal's number */
void proc_process_ended(struct child *child, int status);
void proc_output_over(struct proc *proc); /* one of its outputs is at its end */

/* proc_start.c */
int proc_start(struct proc *proc, const struct job *job, uint32_t want, const char *process_file);

/* proc_streams.c */
void proc_init_streams(struct proc *proc);
/* What its pipes or its terminal hold at this moment, for slow clients too; no more than they can hold at once, as
 * another process may go on writing. */
void proc_take_rest(struct proc *proc);
void proc_got_terminal(struct console *console, int master);

#endif
