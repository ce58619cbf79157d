/* hoy-shim --mount PARENT: one mount(2) or umount2(2) for the daemon, in a process of its own. For file systems whose server
 * may say nothing for minutes: the daemon goes on meanwhile, and can kill the process, which ends the wait. */
#ifndef HOY_MOUNTER_H
#define HOY_MOUNTER_H

#include <stddef.h>

struct mounting {
	const char *source, *target, *type, *data;
	unsigned long flags;
	int unmounts; /* umount2(2) of the target: nothing else but the flags is used */
};

/* The request: `VERB NUL source NUL target NUL type NUL flags NUL data NUL`, VERB mount or unmount, flags decimal. It
 * holds passwords, so it comes on standard input. The texts stay in `data`. -1 when it is anything else. */
int mounting_parse(struct mounting *mounting, const char *data, size_t length);

/* Reads the request from standard input up to its end and does it; gives the exit code. 0: done. 1: the kernel refused, and
 * errno's number is on standard output. 2: no such request. Ends at once when the process `parent` is gone. */
int mounter_run(const char *parent);

#endif
