/* The daemon's connections: framing, queues, and which process each belongs to. The rules are PROTOCOL.md's. */
#ifndef HOY_CONN_H
#define HOY_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc.h"

/* Listens on `shim.sock` in the bundle. -1 with error_text(). */
int conns_init(const struct job *job);

/* From a process to who is attached to it. */
void conns_output(struct proc *proc, enum stream stream, const uint8_t *data, size_t length);
void conns_output_end(struct proc *proc, enum stream stream);
bool conns_too_slow(struct proc *proc, enum stream stream);
void conns_input_ready(struct proc *proc);
void conns_started(struct proc *proc);
void conns_failed(struct proc *proc, uint32_t code, const char *message);
/* Its exit: to the exec's own connection, or, for the container, to every subscriber. */
void conns_exit(struct proc *proc);
/* It has ended and nothing more will come: its connections part when they are drained. */
void conns_finish(struct proc *proc);
void conns_oom(void);

/* Takes no more connections, and parts with the subscribers when theirs are drained. */
void conns_shut(void);
/* Does any connection wait for its client to take something, or to close? Did any client take something since the last call? */
bool conns_pending(void);
bool conns_moved(void);

#endif
