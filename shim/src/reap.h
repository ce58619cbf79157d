/* Children: who they are and how they ended, whatever the order in which the kernel tells. As a subreaper the shim
 * inherits the processes that a runtime leaves behind, and may reap one before it has learned its number. */
#ifndef HOY_REAP_H
#define HOY_REAP_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid; /* 0: none. Until `ended` is called the number can't be anyone else's, so kill() is free of races */
	bool leaves; /* it leaves children to us: ends that nobody waits for are kept while it lives */
	void (*ended)(struct child *child, int status);
	struct child *next;
};

/* Blocks the signals that must not end the shim and starts to listen for SIGCHLD. */
int reap_init(void);

/* From now on `ended` is called once, possibly before this returns (when the end was kept). */
void reap_add(struct child *child);

/* Waits for this child now, outside of the loop, and calls its `ended`. */
void reap_now(struct child *child);

#endif
