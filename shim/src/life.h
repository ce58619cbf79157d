/* The container's life as the daemon is told of it: the one line on standard output, exit.json, and what is undone at
 * the end. The processes' own events come in by proc.h's container_… functions. */
#ifndef HOY_LIFE_H
#define HOY_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "job.h"
#include "userns.h"

void life_init(const struct job *job, struct userns *userns);

/* Tells the daemon FAILED and lets go of its streams; with `code` FAULT the fault is the shim's. */
#define FAULT 125
void life_failed(uint32_t code, const char *message);

/* Nothing is left to do: `ran` tells whether the container ever did. */
bool life_over(void);
bool life_ran(void);

#endif
