/* The log's file: buffered entries, rotation by size, compression of what was rotated away. An entry is never split
 * over two files, and a write that fails (disk full) leaves whole entries only. */
#ifndef HOY_LOG_FILE_H
#define HOY_LOG_FILE_H

#include <stddef.h>

#include "job.h"

/* Opens (appending) or creates it, 0640. -1 with error_text(). */
int log_file_open(const struct log_settings *settings);

/* An entry: begin, any number of puts, end. Rotation happens in begin, once the file has reached its size. */
void log_file_begin(void);
void log_file_put(const void *data, size_t length);
void log_file_end(void);

/* Hands what is buffered to the kernel. */
void log_file_flush(void);

/* Its inode, and its bytes with all that is buffered handed over; 0 and 0 when it is not open. */
void log_file_position(uint64_t *inode, uint64_t *size);

int log_file_reopen(void);
void log_file_close(void);

#endif
