#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compress.h"
#include "util.h"

#define BUFFER_SIZE 8192
#define PATH_ROOM 4200

static const struct log_settings *settings;
static int fd = -1;
static uint64_t written; /* bytes in the file */
static uint64_t whole; /* bytes up to the end of its last whole entry */
static uint8_t buffer[BUFFER_SIZE];
static size_t buffered;
static bool skipping; /* the entry at hand could not be written: the rest of it is dropped */

static int open_file(int flags)
{
	fd = open(settings->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
	if (fd < 0)
		return fail(errno, "log %s", settings->path);
	struct stat status;
	written = whole = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
	return 0;
}

int log_file_open(const struct log_settings *given)
{
	settings = given;
	return open_file(0);
}

/* `path.N`, with .gz when it is compressed. */
static void rotated_name(char name[PATH_ROOM], uint32_t number, bool compressed)
{
	snprintf(name, PATH_ROOM, "%s.%u%s", settings->path, number, compressed ? ".gz" : "");
}

/* Moves path.N to path.N+1, whichever form it has, dropping the last. Names that are not there are no error. */
static void shift_files(void)
{
	char from[PATH_ROOM], to[PATH_ROOM];
	for (int compressed = 0; compressed <= 1; compressed++) {
		rotated_name(from, settings->max_file - 1, compressed != 0);
		unlink(from);
		for (uint32_t number = settings->max_file - 1; number > 1; number--) {
			rotated_name(from, number - 1, compressed != 0);
			rotated_name(to, number, compressed != 0);
			rename(from, to);
		}
	}
}

static void rotate(void)
{
	char first[PATH_ROOM];
	if (settings->max_file < 2) {
		close(fd);
		open_file(O_TRUNC);
		return;
	}
	/* Its file is about to get another name. Waiting is the back pressure that a faster writer needs. */
	compress_wait();
	shift_files();
	rotated_name(first, 1, false);
	if (rename(settings->path, first) != 0) {
		/* Going on in a full file is better than losing what it holds. */
		return;
	}
	close(fd);
	if (open_file(0) == 0 && settings->compress)
		compress_start(first);
}

/* Someone may have emptied the file: the count is only what was written. */
static bool really_full(void)
{
	struct stat status;
	if (fstat(fd, &status) == 0)
		written = whole = (uint64_t)status.st_size;
	return written >= settings->max_size;
}

void log_file_begin(void)
{
	skipping = false;
	if (fd < 0 && open_file(0) != 0)
		skipping = true;
	else if (settings->max_size > 0 && written + buffered >= settings->max_size) {
		log_file_flush();
		if (really_full())
			rotate();
		skipping = fd < 0;
	}
}

/* After a failed write: back to the last whole entry, so that the file stays readable. */
static void cut_back(void)
{
	buffered = 0;
	skipping = true;
	if (ftruncate(fd, (off_t)whole) == 0)
		written = whole;
}

static void write_out(const void *data, size_t length)
{
	if (write_all(fd, data, length) == 0)
		written += length;
	else
		cut_back();
}

void log_file_flush(void)
{
	size_t length = buffered;
	buffered = 0;
	if (fd >= 0 && length > 0) {
		write_out(buffer, length);
		if (!skipping)
			whole = written;
	}
}

void log_file_put(const void *data, size_t length)
{
	if (skipping)
		return;
	if (length > BUFFER_SIZE - buffered && buffered > 0) {
		size_t had = buffered;
		buffered = 0;
		write_out(buffer, had);
	}
	if (skipping)
		return;
	if (length >= BUFFER_SIZE) {
		write_out(data, length);
		return;
	}
	memcpy(buffer + buffered, data, length);
	buffered += length;
}

void log_file_end(void)
{
	/* With an empty buffer everything of this entry is in the file. */
	if (!skipping && buffered == 0)
		whole = written;
}

void log_file_position(uint64_t *inode, uint64_t *size)
{
	struct stat status;
	log_file_flush();
	bool known = fd >= 0 && fstat(fd, &status) == 0;
	*inode = known ? (uint64_t)status.st_ino : 0;
	*size = known ? (uint64_t)status.st_size : 0;
}

int log_file_reopen(void)
{
	log_file_flush();
	if (fd >= 0)
		close(fd);
	return open_file(0) == 0 ? 0 : errno;
}

void log_file_close(void)
{
	log_file_flush();
	compress_wait();
	if (fd >= 0)
		close(fd);
	fd = -1;
}
