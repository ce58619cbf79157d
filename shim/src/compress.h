/* gzip of a rotated log file, in a child of low priority: deflate's 256 KiB never become the shim's own. */
#ifndef HOY_COMPRESS_H
#define HOY_COMPRESS_H

/* Starts to make `path.gz` of `path` (and remove `path`). One at a time. */
void compress_start(const char *path);

/* Waits for the one under way, if any. */
void compress_wait(void);

#endif
