/* The non-blocking log: entries wait in a bounded queue, a child writes them. A disk that stands still then stops
 * neither the container nor the shim; when the queue is full its oldest entries are dropped. */
#ifndef HOY_LOG_QUEUE_H
#define HOY_LOG_QUEUE_H

#include "log.h"

/* What the child does with an entry, and when it is told to open its file anew. */
struct log_sink {
	void (*write)(const struct log_entry *entry);
	void (*reopen)(void);
	void (*close)(void);
};

/* Starts the child. -1 with error_text(). */
int log_queue_open(uint64_t max_buffer, const struct log_sink *sink);
void log_queue_put(const struct log_entry *entry);
void log_queue_reopen(void);

/* Gives the child what is left, for 5 s at most; it goes on by itself with what it has. */
void log_queue_close(void);

#endif
