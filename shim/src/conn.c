/* Connections: their coming and going, and reading frames from them. */

#include "conn_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "console.h"

#define SOCKET_NAME "shim.sock"
#define CONN_LIMIT 256
#define IN_START 256
#define RELISTEN_MS 1000
#define PART_MS 2000
#define PART_BYTES (1024 * 1024)

struct conn *conns;

static struct watch listener = {.fd = -1};
static size_t conn_count;

static void listen_again(struct timer *timer);
static struct timer relisten = {.fire = listen_again};

static void accept_ready(struct watch *watch, uint32_t events);
static void conn_ready(struct watch *watch, uint32_t events);
static void close_conn(struct conn *conn);

int conns_init(const struct job *job)
{
	conn_frames_init(job);
	listener.fd = listen_here(SOCKET_NAME);
	if (listener.fd < 0)
		return -1;
	listener.ready = accept_ready;
	watch_set(&listener, EPOLLIN);
	return 0;
}

void conns_shut(void)
{
	watch_close(&listener);
	timer_stop(&relisten);
	unlink(SOCKET_NAME);
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (conn->proc == NULL)
			conn_finish(conn);
}

static void listen_again(struct timer *timer)
{
	(void)timer;
	watch_set(&listener, EPOLLIN);
}

/* ---- a connection's life ---- */

/* Out of descriptors: whoever waits would wake us for ever. */
static void pause_listening(void)
{
	watch_set(&listener, 0);
	timer_start(&relisten, RELISTEN_MS);
}

static void accept_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_listening();
		return;
	}
	struct conn *conn = conn_count < CONN_LIMIT ? calloc(1, sizeof *conn) : NULL;
	if (conn == NULL) {
		close(fd);
		return;
	}
	conn->watch = (struct watch){.fd = fd, .ready = conn_ready};
	conn->next = conns;
	conns = conn;
	conn_count++;
	watch_set(&conn->watch, EPOLLIN);
}

/* Asks for what this connection can use now. Without anything it leaves the set: EPOLLHUP of a peer that is gone
 * would wake us for ever. */
void conn_update(struct conn *conn)
{
	uint32_t events = 0;
	if (conn->parted) {
		/* Beyond the limit its writer has to wait; that it closes is still seen. */
		watch_set(&conn->watch, conn->dropped < PART_BYTES ? EPOLLIN : EPOLLRDHUP);
		return;
	}
	if (!conn->stalled && !conn->closing)
		events |= EPOLLIN;
	/* With a broken one it is the event that closes it. */
	if (conn_has_output(conn) || conn->closing)
		events |= EPOLLOUT;
	watch_set(&conn->watch, events);
}

static void patience_over(struct timer *timer)
{
	close_conn(CONTAINER_OF(timer, struct conn, patience));
}

/* All has been sent. A stream socket that is closed with input unread, or written to once it is closed, is reset, and
 * the peer loses what it has not read yet (unix(7), ECONNRESET and EPIPE); the daemon may be writing this moment. So it
 * is told that nothing follows, and closes first. */
static void part(struct conn *conn)
{
	shutdown(conn->watch.fd, SHUT_WR);
	conn->parted = true;
	conn->patience.fire = patience_over;
	timer_start(&conn->patience, PART_MS);
	conn_update(conn);
}

static void drop_input(struct conn *conn, uint32_t events)
{
	static char dropped[32 * 1024];
	bool full = conn->dropped >= PART_BYTES;
	ssize_t got = full ? 0 : read(conn->watch.fd, dropped, sizeof dropped);
	if (got > 0) {
		conn->dropped += (size_t)got;
		conn_update(conn);
	} else if (full ? (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0
			: got == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_conn(conn);
	}
}

void conn_finish(struct conn *conn)
{
	if (conn->closing)
		return;
	conn->proc = NULL;
	conn->stalled = false;
	conn->closing = true;
	if (conn_has_output(conn) || conn->broken)
		conn_update(conn);
	else
		part(conn);
}

static void close_conn(struct conn *conn)
{
	for (struct conn **at = &conns; *at != NULL; at = &(*at)->next) {
		if (*at == conn) {
			*at = conn->next;
			break;
		}
	}
	conn_count--;
	timer_stop(&conn->patience);
	watch_close(&conn->watch);
	struct proc *proc = conn->proc;
	bool exec = conn->mode == MODE_EXEC;
	free(conn->in);
	free(conn->out);
	free(conn);
	if (proc == NULL)
		return;
	if (exec)
		proc_input_end(proc);
	proc_resume(proc);
}

/* ---- reading ---- */

/* Room for the frame at hand; the header is checked before its length is believed. */
static int make_room(struct conn *conn)
{
	struct frame frame = {0};
	int got = frame_parse(conn->in, conn->in_length, &frame);
	if (got < 0)
		return -1;
	size_t need = conn->in_length >= FRAME_HEADER ? FRAME_HEADER + (size_t)frame.length : IN_START;
	if (need < IN_START)
		need = IN_START;
	if (conn->in_room >= need)
		return 0;
	uint8_t *grown = realloc(conn->in, need);
	if (grown == NULL)
		return -1;
	conn->in = grown;
	conn->in_room = need;
	return 0;
}

static void consume(struct conn *conn, size_t length)
{
	conn->in_length -= length;
	memmove(conn->in, conn->in + length, conn->in_length);
	if (conn->in_length == 0) {
		free(conn->in);
		conn->in = NULL;
		conn->in_room = 0;
	}
}

/* Handles the frames that are there. False: the connection was closed. */
bool conn_process(struct conn *conn)
{
	conn->stalled = false;
	struct frame frame;
	int got = 0;
	while (!conn->stalled && !conn->closing && (got = frame_parse(conn->in, conn->in_length, &frame)) == 1) {
		enum verdict verdict = conn_handle(conn, &frame);
		if (verdict == CLOSE) {
			got = -1;
			break;
		}
		if (verdict == DONE)
			consume(conn, FRAME_HEADER + frame.length);
		else
			conn->stalled = true;
	}
	if (got < 0) {
		close_conn(conn);
		return false;
	}
	conn_update(conn);
	return true;
}

static void conn_ready(struct watch *watch, uint32_t events)
{
	struct conn *conn = CONTAINER_OF(watch, struct conn, watch);
	if (conn->parted) {
		drop_input(conn, events);
		return;
	}
	if (conn_has_output(conn) && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		conn_drain(conn);
	if (conn->closing && conn->broken) {
		close_conn(conn);
		return;
	}
	if (conn->closing && !conn_has_output(conn)) {
		part(conn);
		return;
	}
	if (conn->stalled || conn->closing || (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) {
		conn_update(conn);
		return;
	}
	if (make_room(conn) != 0) {
		close_conn(conn);
		return;
	}
	ssize_t got = read(watch->fd, conn->in + conn->in_length, conn->in_room - conn->in_length);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		conn_update(conn);
		return;
	}
	if (got <= 0) {
		close_conn(conn);
		return;
	}
	conn->in_length += (size_t)got;
	conn_process(conn);
}
