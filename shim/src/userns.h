/* A user namespace made only for its mapping: idmapped mounts want one as a descriptor. */
#ifndef HOY_USERNS_H
#define HOY_USERNS_H

#include "job.h"

/* Gives a descriptor of a new user namespace with these mappings; -1 with error_text(). */
int userns_open(const struct id_map *uids, const struct id_map *gids);

#endif
