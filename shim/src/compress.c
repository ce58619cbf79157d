#include "compress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "reap.h"
#include "util.h"

#define CHUNK (64 * 1024)

static void compress_ended(struct child *child, int status);
static struct child worker = {.ended = compress_ended};

static int deflate_file(int from, int to)
{
	static uint8_t in[CHUNK], out[CHUNK];
	z_stream stream = {0};
	/* 15 bits of window, and 16 for a gzip header */
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	int result = Z_OK;
	while (result != Z_STREAM_END) {
		ssize_t got = read(from, in, sizeof in);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		stream.next_in = in;
		stream.avail_in = (unsigned)got;
		do {
			stream.next_out = out;
			stream.avail_out = sizeof out;
			result = deflate(&stream, got == 0 ? Z_FINISH : Z_NO_FLUSH);
			if (result == Z_STREAM_ERROR || write_all(to, out, sizeof out - stream.avail_out) != 0)
				return -1;
		} while (stream.avail_out == 0);
	}
	deflateEnd(&stream);
	return 0;
}

/* Beside, then its final name, then the source goes: at every moment the lines are in one readable file. */
static int compress_file(const char *path)
{
	char beside[4300], final[4300];
	snprintf(beside, sizeof beside, "%s.gz.tmp", path);
	snprintf(final, sizeof final, "%s.gz", path);
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int to = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (from < 0 || to < 0 || deflate_file(from, to) != 0 || rename(beside, final) != 0) {
		unlink(beside);
		return 1;
	}
	unlink(path);
	return 0;
}

static void compress_ended(struct child *child, int status)
{
	/* Failed (disk full): the plain file stays, and is as readable. */
	(void)child;
	(void)status;
}

void compress_start(const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		be_alone(-1);
		setpriority(PRIO_PROCESS, 0, 10);
		_exit(compress_file(path));
	}
	if (pid < 0)
		return;
	worker.pid = pid;
	reap_add(&worker);
}

void compress_wait(void)
{
	if (worker.pid > 0)
		reap_now(&worker);
}
