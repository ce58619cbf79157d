/* Small things that every part of the shim uses: the last error's text, whole reads and writes, clocks and times.
 * No stdio streams, no locale: they cost memory that a process per container should not take. */
#ifndef HOY_UTIL_H
#define HOY_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NS_PER_S 1000000000ULL

/* Room for "2006-01-02T15:04:05.999999999Z" and its end. */
#define TIME_TEXT 32

/* Keeps a message (at most 1 KiB) for error_text(); with a number, ": " and the errno's text are added. Gives -1. */
int fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *error_text(void);

/* Writes all of it, over interruptions; -1 with errno otherwise. For files and blocking descriptors. */
int write_all(int fd, const void *data, size_t length);

/* Writes a file of mode 0600 beside and renames it: a reader sees all of it or nothing, with `lasting` after a power cut
 * too. -1 with errno; nothing is left then. */
int write_whole(const char *path, const char *text, size_t length, bool lasting);

/* Reads a whole file of at most `limit` bytes into fresh memory with a NUL behind it; NULL with errno (EFBIG when it
 * is larger). */
char *read_file(const char *path, size_t limit, size_t *length);

/* Time of day and time since boot, in ns. */
uint64_t now_ns(void);
uint64_t monotonic_ns(void);

/* RFC 3339 in UTC with the fraction's trailing zeros cut, as Go's time.RFC3339Nano prints it; gives the length. */
size_t format_time(uint64_t ns, char text[TIME_TEXT]);

/* For a child that goes on with the shim's own code: keeps this descriptor (as ALONE_FD; -1: none) and closes all others,
 * since a copy of a socket or pipe would keep it open for its peer. Standard streams become /dev/null. */
#define ALONE_FD 3
void be_alone(int keep);

/* Little-endian numbers of the wire. */
uint16_t get_u16(const uint8_t *at);
uint32_t get_u32(const uint8_t *at);
void put_u16(uint8_t *at, uint16_t value);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);

#endif
