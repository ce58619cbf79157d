/* The container's log: output becomes lines, as Docker's copier makes them, and lines become entries of a driver.
 * Not here: reading logs, which is the daemon's. */
#ifndef HOY_LOG_H
#define HOY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job.h"
#include "proc.h"

/* A longer line is written as several entries, of which only the last ends with a newline. */
#define LINE_LIMIT 16384

struct log_entry {
	uint64_t time; /* ns; of a line's first part for all its parts */
	uint8_t stream;
	bool partial; /* the line goes on in the next entry, or the stream ended in its midst */
	const uint8_t *line; /* without its newline */
	size_t length;
};

/* Opens the log. -1 with error_text(). */
int log_init(const struct log_settings *settings);

/* Takes what a stream gave; whole lines are in the file when this returns. */
void log_output(enum stream stream, const uint8_t *data, size_t length);

/* The stream is at its end: what is left becomes an entry. */
void log_end(enum stream stream);

/* The file's inode and how many bytes of entries it has; 0 and 0 where it can't be said: there is no log, or entries wait
 * in the queue of a non-blocking one. */
void log_position(uint64_t *inode, uint64_t *size);

/* What the stream gave of a line that has no end yet, and is in no entry. */
const uint8_t *log_unfinished(enum stream stream, size_t *length);

/* Closes and opens the file (someone moved it away). 0 or an errno. */
int log_reopen(void);

/* Waits for what is under way (compression), at the shim's end. */
void log_close(void);

#endif
