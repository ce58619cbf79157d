/* The console socket: how an OCI runtime hands over the master side of the container's terminal (one message with one
 * descriptor, SCM_RIGHTS; see runc's docs/terminals.md). */
#ifndef HOY_CONSOLE_H
#define HOY_CONSOLE_H

#include "loop.h"

struct console {
	struct watch watch;
	const char *name;
	void (*got)(struct console *console, int master);
};

/* Listens on `name` in the bundle (the working directory), 0600. -1 with error_text(). */
int console_listen(struct console *console, const char *name, void (*got)(struct console *console, int master));
void console_close(struct console *console);

/* Takes what has been sent by now, without waiting: the runtime has ended, and its message came before. */
void console_take(struct console *console);

/* A unix stream socket that listens on a name in the working directory, which keeps clear of sun_path's 108 bytes. */
int listen_here(const char *name);

#endif
