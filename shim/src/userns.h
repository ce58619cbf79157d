/* The namespaces that exist before the container: a user namespace, for the idmapped mounts, and on request a network
 * namespace owned by it, into which the daemon puts interfaces. Both are born with a helper process. */
#ifndef HOY_USERNS_H
#define HOY_USERNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "job.h"

struct userns {
	pid_t helper; /* 0: none, or gone */
	int fd; /* -1: no mapping */
};

/* Makes what the maps and `network` ask for. The helper stays only for a network namespace, whose name is
 * /proc/<helper>/ns/net; it dies with the shim. -1 with error_text(). */
int userns_open(struct userns *userns, const struct id_map *uids, const struct id_map *gids, bool network);

void userns_end_helper(struct userns *userns);

#endif
