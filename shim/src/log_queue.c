#include "log_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "util.h"

#define DEFAULT_BUFFER (1024 * 1024)
#define CLOSE_MS 5000
#define HEAD 16 /* u32 length of the line, u64 time, u8 stream, u8 partial, u16 zero; stream 0: open anew */

struct waiting {
	struct waiting *next;
	size_t length;
	uint8_t bytes[];
};

static struct watch pipe_watch = {.fd = -1};
static struct waiting *first, **last = &first;
static uint64_t waiting_bytes, limit;
static size_t first_sent; /* bytes of the first that are in the pipe: it can't be dropped any more */

/* ---- the child ---- */

static int read_all(int fd, void *data, size_t length)
{
	uint8_t *at = data;
	while (length > 0) {
		ssize_t got = read(fd, at, length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		at += got;
		length -= (size_t)got;
	}
	return 0;
}

static _Noreturn void be_writer(int fd, const struct log_sink *sink)
{
	static uint8_t line[LINE_LIMIT];
	uint8_t head[HEAD];
	while (read_all(fd, head, HEAD) == 0) {
		struct log_entry entry = {
			.time = get_u32(head + 4) | (uint64_t)get_u32(head + 8) << 32,
			.stream = head[12],
			.partial = head[13] != 0,
			.line = line,
			.length = get_u32(head),
		};
		if (entry.stream == 0)
			sink->reopen();
		else if (read_all(fd, line, entry.length) == 0)
			sink->write(&entry);
	}
	sink->close();
	_exit(0);
}

/* ---- the shim ---- */

/* Writes what the pipe takes. False when it is full. */
static bool push(void)
{
	while (first != NULL) {
		ssize_t put = write(pipe_watch.fd, first->bytes + first_sent, first->length - first_sent);
		if (put < 0 && errno == EAGAIN)
			return false;
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) { /* the child was killed: nothing can be written any more */
			watch_close(&pipe_watch);
			return true;
		}
		first_sent += (size_t)put;
		if (first_sent < first->length)
			continue;
		struct waiting *done = first;
		first = done->next;
		if (first == NULL)
			last = &first;
		waiting_bytes -= done->length;
		first_sent = 0;
		free(done);
	}
	return true;
}

static void pipe_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	if (push())
		watch_set(watch, 0);
}

static void drop_oldest(void)
{
	struct waiting **at = first_sent > 0 ? &first->next : &first;
	struct waiting *oldest = *at;
	if (oldest == NULL)
		return;
	*at = oldest->next;
	if (last == &oldest->next)
		last = at;
	waiting_bytes -= oldest->length;
	free(oldest);
}

static void add(const struct log_entry *entry)
{
	if (pipe_watch.fd < 0)
		return;
	size_t length = HEAD + entry->length;
	while (waiting_bytes + length > limit && first != NULL && (first_sent == 0 || first->next != NULL))
		drop_oldest();
	struct waiting *waiting = malloc(sizeof *waiting + length);
	if (waiting == NULL)
		return;
	waiting->next = NULL;
	waiting->length = length;
	put_u32(waiting->bytes, (uint32_t)entry->length);
	put_u64(waiting->bytes + 4, entry->time);
	waiting->bytes[12] = entry->stream;
	waiting->bytes[13] = entry->partial;
	put_u16(waiting->bytes + 14, 0);
	if (entry->length > 0)
		memcpy(waiting->bytes + HEAD, entry->line, entry->length);
	*last = waiting;
	last = &waiting->next;
	waiting_bytes += length;
	if (!push())
		watch_set(&pipe_watch, EPOLLOUT);
}

int log_queue_open(uint64_t max_buffer, const struct log_sink *sink)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail(errno, "pipe");
	limit = max_buffer == 0 ? DEFAULT_BUFFER : max_buffer;
	pid_t pid = fork();
	if (pid < 0)
		return fail(errno, "log writer");
	if (pid == 0) {
		be_alone(ends[0]);
		be_writer(ALONE_FD, sink);
	}
	close(ends[0]);
	fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK);
	pipe_watch = (struct watch){.fd = ends[1], .ready = pipe_ready};
	return 0;
}

void log_queue_put(const struct log_entry *entry)
{
	add(entry);
}

void log_queue_reopen(void)
{
	add(&(struct log_entry){.stream = 0});
}

void log_queue_close(void)
{
	uint64_t end = monotonic_ns() + CLOSE_MS * 1000000ULL;
	while (pipe_watch.fd >= 0 && !push() && monotonic_ns() < end) {
		struct pollfd room = {.fd = pipe_watch.fd, .events = POLLOUT};
		poll(&room, 1, 100);
	}
	watch_close(&pipe_watch);
}
