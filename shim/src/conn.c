#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frame.h"
#include "log.h"
#include "util.h"

#define SOCKET_NAME "shim.sock"
#define CONN_LIMIT 256
#define QUEUE_LIMIT (256 * 1024)
#define IN_START 256

enum mode { MODE_NEW, MODE_COMMANDS, MODE_ATTACH, MODE_EXEC, MODE_SUBSCRIBE };

struct conn {
	struct watch watch;
	enum mode mode;
	struct proc *proc; /* attached to, or started by; NULL when it is over */
	uint32_t want;
	bool subscribed; /* OK has been sent: events may follow */
	bool stalled; /* frames wait: for a start, or for room in stdin */
	bool retry; /* unstall() will go on with it */
	bool broken; /* the peer is gone: nothing can be written */
	bool closing; /* closes once drained */
	uint32_t input_done; /* bytes of the STDIN frame at hand that the process has taken */
	uint8_t *in, *out;
	size_t in_length, in_room;
	size_t out_start, out_end, out_room;
	struct conn *next;
};

enum verdict { DONE, STALL, CLOSE };

static struct watch listener = {.fd = -1};
static struct conn *conns;
static size_t conn_count;
static bool any_moved;
static const struct job *the_job;

static void accept_ready(struct watch *watch, uint32_t events);
static void conn_ready(struct watch *watch, uint32_t events);
static enum verdict handle(struct conn *conn, const struct frame *frame);

int conns_init(const struct job *job)
{
	the_job = job;
	listener.fd = listen_here(SOCKET_NAME);
	if (listener.fd < 0)
		return -1;
	listener.ready = accept_ready;
	watch_set(&listener, EPOLLIN);
	return 0;
}

/* ---- a connection's life ---- */

static void accept_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
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

static bool has_output(const struct conn *conn)
{
	return conn->out_end > conn->out_start;
}

/* Asks for what this connection can use now. Without anything it leaves the set: EPOLLHUP of a peer that is gone
 * would wake us for ever. */
static void update_interest(struct conn *conn)
{
	uint32_t events = 0;
	if (!conn->stalled && !conn->closing)
		events |= EPOLLIN;
	if (has_output(conn))
		events |= EPOLLOUT;
	watch_set(&conn->watch, events);
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
	any_moved = true;
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

static void drop_queue(struct conn *conn)
{
	free(conn->out);
	conn->out = NULL;
	conn->out_start = conn->out_end = conn->out_room = 0;
}

/* ---- writing ---- */

/* Writes what it can of these parts; gives how many bytes went, and marks the connection when its peer is gone. */
static size_t send_parts(struct conn *conn, struct iovec *parts, size_t count)
{
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
	ssize_t sent = sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent >= 0) {
		any_moved = any_moved || sent > 0;
		return (size_t)sent;
	}
	if (errno != EAGAIN && errno != EINTR) {
		conn->broken = true;
		drop_queue(conn);
	}
	return 0;
}

static void queue_bytes(struct conn *conn, const void *data, size_t length)
{
	if (length == 0)
		return;
	if (conn->out_start > 0 && conn->out_end + length > conn->out_room) {
		memmove(conn->out, conn->out + conn->out_start, conn->out_end - conn->out_start);
		conn->out_end -= conn->out_start;
		conn->out_start = 0;
	}
	if (conn->out_end + length > conn->out_room) {
		size_t room = conn->out_room == 0 ? 4096 : conn->out_room * 2;
		while (room < conn->out_end + length)
			room *= 2;
		uint8_t *grown = realloc(conn->out, room);
		if (grown == NULL) { /* a torn frame can't be mended */
			conn->broken = true;
			drop_queue(conn);
			return;
		}
		conn->out = grown;
		conn->out_room = room;
	}
	memcpy(conn->out + conn->out_end, data, length);
	conn->out_end += length;
}

static void send_frame(struct conn *conn, uint8_t type, uint8_t stream, const void *payload, size_t length)
{
	if (conn->broken)
		return;
	uint8_t header[FRAME_HEADER];
	frame_header(header, type, stream, (uint32_t)length);
	size_t sent = 0;
	if (!has_output(conn)) {
		struct iovec parts[2] = {{header, sizeof header}, {(void *)payload, length}};
		sent = send_parts(conn, parts, 2);
	}
	if (!conn->broken && sent < sizeof header)
		queue_bytes(conn, header + sent, sizeof header - sent);
	size_t skip = sent > sizeof header ? sent - sizeof header : 0;
	if (!conn->broken)
		queue_bytes(conn, (const uint8_t *)payload + skip, length - skip);
	update_interest(conn);
}

static void send_ok(struct conn *conn, const void *payload, size_t length)
{
	send_frame(conn, FRAME_OK, 0, payload, length);
}

static void send_error(struct conn *conn, uint32_t code, const char *message)
{
	uint8_t payload[4 + 8192];
	size_t length = strnlen(message, sizeof payload - 4);
	put_u32(payload, code);
	memcpy(payload + 4, message, length);
	send_frame(conn, FRAME_ERROR, 0, payload, 4 + length);
}

/* OK, or ERROR with the errno's text. */
static void send_result(struct conn *conn, int error)
{
	if (error == 0)
		send_ok(conn, NULL, 0);
	else
		send_error(conn, (uint32_t)error, strerror(error));
}

static void send_exit(struct conn *conn, const struct proc *proc)
{
	uint8_t payload[24];
	put_u32(payload, proc->number);
	put_u32(payload + 4, proc->code);
	put_u32(payload + 8, proc->oom);
	put_u32(payload + 12, 0);
	put_u64(payload + 16, proc->ended_at);
	send_frame(conn, FRAME_EXIT, 0, payload, sizeof payload);
}

static void drain(struct conn *conn)
{
	bool slow = conn->out_end - conn->out_start >= QUEUE_LIMIT;
	struct iovec part = {conn->out + conn->out_start, conn->out_end - conn->out_start};
	conn->out_start += send_parts(conn, &part, 1);
	if (!has_output(conn))
		drop_queue(conn);
	if (slow && conn->out_end - conn->out_start < QUEUE_LIMIT && conn->proc != NULL)
		proc_resume(conn->proc);
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
static bool process(struct conn *conn)
{
	conn->stalled = false;
	struct frame frame;
	int got = 0;
	while (!conn->stalled && !conn->closing && (got = frame_parse(conn->in, conn->in_length, &frame)) == 1) {
		enum verdict verdict = handle(conn, &frame);
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
	update_interest(conn);
	return true;
}

static void conn_ready(struct watch *watch, uint32_t events)
{
	struct conn *conn = CONTAINER_OF(watch, struct conn, watch);
	if (has_output(conn) && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		drain(conn);
	if (conn->closing && (!has_output(conn) || conn->broken)) {
		close_conn(conn);
		return;
	}
	if (conn->stalled || conn->closing || (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) {
		update_interest(conn);
		return;
	}
	if (make_room(conn) != 0) {
		close_conn(conn);
		return;
	}
	ssize_t got = read(watch->fd, conn->in + conn->in_length, conn->in_room - conn->in_length);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		update_interest(conn);
		return;
	}
	if (got <= 0) {
		close_conn(conn);
		return;
	}
	conn->in_length += (size_t)got;
	process(conn);
}

/* ---- frames ---- */

static enum verdict attach(struct conn *conn, const struct frame *frame)
{
	struct proc *proc = proc_find(get_u32(frame->payload));
	uint32_t want = get_u32(frame->payload + 4);
	if (conn->mode != MODE_NEW || (want & ~(WANT_STDIN | WANT_STDOUT | WANT_STDERR)) != 0)
		return CLOSE;
	if (proc == NULL || proc->state == PROC_FAILED) {
		send_result(conn, ESRCH);
		return DONE;
	}
	conn->mode = MODE_ATTACH;
	conn->proc = proc;
	conn->want = want;
	send_ok(conn, NULL, 0);
	/* A stream that ended before is at its end for this client too. */
	for (int i = 0; i < 2; i++)
		if (proc->state >= PROC_RUNNING && proc->out[i].watch.fd < 0)
			send_frame(conn, FRAME_END, (uint8_t)proc->out[i].stream, NULL, 0);
	if (proc->state == PROC_REPORTED && proc_output_ended(proc)) {
		conn->proc = NULL;
		conn->closing = true;
	}
	return DONE;
}

static enum verdict exec(struct conn *conn, const struct frame *frame)
{
	char file[4097];
	size_t length = frame->length - 8;
	uint32_t want = get_u32(frame->payload);
	memcpy(file, frame->payload + 8, length);
	file[length] = '\0';
	if (conn->mode != MODE_NEW || strlen(file) != length || file[0] != '/' || want > 15)
		return CLOSE;
	struct proc *container = proc_find(0);
	if (container == NULL || container->state != PROC_RUNNING) {
		send_result(conn, ESRCH);
		return DONE;
	}
	struct proc *proc =
		proc_exec(the_job, file, want, get_u16(frame->payload + 4), get_u16(frame->payload + 6));
	if (proc == NULL) {
		send_error(conn, EIO, error_text());
		return DONE;
	}
	conn->mode = MODE_EXEC;
	conn->proc = proc;
	conn->want = (want & WANT_TERMINAL) != 0 ? want | WANT_STDOUT : want;
	return DONE;
}

static enum verdict input(struct conn *conn, const struct frame *frame)
{
	bool may = (conn->mode == MODE_ATTACH || conn->mode == MODE_EXEC) && (conn->want & WANT_STDIN) != 0;
	if (!may)
		return CLOSE;
	if (conn->proc == NULL)
		return DONE;
	if (conn->proc->state == PROC_STARTING)
		return STALL;
	if (frame->type == FRAME_STDIN_EOF) {
		proc_input_end(conn->proc);
		return DONE;
	}
	conn->input_done += (uint32_t)proc_input(conn->proc, frame->payload + conn->input_done,
						 frame->length - conn->input_done);
	if (conn->input_done < frame->length)
		return STALL;
	conn->input_done = 0;
	return DONE;
}

static enum verdict subscribe(struct conn *conn)
{
	if (conn->mode != MODE_NEW)
		return CLOSE;
	struct proc *container = proc_find(0);
	if (container == NULL || container->state == PROC_STARTING)
		return STALL;
	conn->mode = MODE_SUBSCRIBE;
	conn->subscribed = true;
	uint8_t payload[8];
	put_u32(payload, (uint32_t)container->pid);
	put_u32(payload + 4, (uint32_t)getpid());
	send_ok(conn, payload, sizeof payload);
	if (container->state == PROC_REPORTED)
		send_exit(conn, container);
	return DONE;
}

/* RESIZE, SIGNAL, RELEASE, REOPEN_LOG: on a connection of their own, or on a subscriber's. */
static enum verdict command(struct conn *conn, const struct frame *frame)
{
	if (conn->mode == MODE_NEW)
		conn->mode = MODE_COMMANDS;
	if (conn->mode != MODE_COMMANDS && conn->mode != MODE_SUBSCRIBE)
		return CLOSE;
	bool targeted = frame->type == FRAME_RESIZE || frame->type == FRAME_SIGNAL;
	struct proc *proc = proc_find(targeted ? get_u32(frame->payload) : 0);
	int error = 0;
	if (proc == NULL)
		error = ESRCH;
	else if (frame->type == FRAME_RESIZE)
		error = proc_resize(proc, get_u16(frame->payload + 4), get_u16(frame->payload + 6));
	else if (frame->type == FRAME_SIGNAL)
		error = proc_signal(proc, get_u32(frame->payload + 4));
	else if (frame->type == FRAME_RELEASE)
		proc_release(proc);
	else
		error = log_reopen();
	send_result(conn, error);
	return DONE;
}

static enum verdict handle(struct conn *conn, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_ATTACH:
		return attach(conn, frame);
	case FRAME_EXEC:
		return exec(conn, frame);
	case FRAME_STDIN:
	case FRAME_STDIN_EOF:
		return input(conn, frame);
	case FRAME_SUBSCRIBE:
		return subscribe(conn);
	default:
		return command(conn, frame);
	}
}

/* ---- from the processes ---- */

static uint32_t want_bit(enum stream stream)
{
	return stream == STDOUT ? WANT_STDOUT : WANT_STDERR;
}

static bool listens(const struct conn *conn, const struct proc *proc, enum stream stream)
{
	return conn->proc == proc && !conn->closing && (conn->want & want_bit(stream)) != 0;
}

void conns_output(struct proc *proc, enum stream stream, const uint8_t *data, size_t length)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (listens(conn, proc, stream))
			send_frame(conn, FRAME_OUT, (uint8_t)stream, data, length);
}

void conns_output_end(struct proc *proc, enum stream stream)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (listens(conn, proc, stream))
			send_frame(conn, FRAME_END, (uint8_t)stream, NULL, 0);
}

bool conns_too_slow(struct proc *proc, enum stream stream)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (listens(conn, proc, stream) && conn->out_end - conn->out_start >= QUEUE_LIMIT)
			return true;
	return false;
}

/* Goes on with the connections that wait for this process. Each may close itself, or others, meanwhile: so they are
 * marked first, and the list is searched anew after each. */
static void unstall(struct proc *proc)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		conn->retry = conn->stalled && (conn->proc == proc || (conn->proc == NULL && proc->number == 0));
	for (struct conn *conn = conns; conn != NULL;) {
		if (!conn->retry) {
			conn = conn->next;
			continue;
		}
		conn->retry = false;
		process(conn);
		conn = conns;
	}
}

void conns_input_ready(struct proc *proc)
{
	unstall(proc);
}

void conns_started(struct proc *proc)
{
	uint8_t payload[8];
	put_u32(payload, proc->number);
	put_u32(payload + 4, (uint32_t)proc->pid);
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (conn->proc == proc && conn->mode == MODE_EXEC)
			send_ok(conn, payload, sizeof payload);
	unstall(proc);
}

void conns_failed(struct proc *proc, uint32_t code, const char *message)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next) {
		if (conn->proc != proc)
			continue;
		send_error(conn, code, message);
		conn->proc = NULL;
		conn->stalled = false;
		conn->closing = true;
		/* EPOLLOUT even with nothing queued: the event that closes it. */
		watch_set(&conn->watch, EPOLLOUT);
	}
}

void conns_exit(struct proc *proc)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (proc->number == 0 ? conn->subscribed : conn->proc == proc && conn->mode == MODE_EXEC)
			send_exit(conn, proc);
}

void conns_finish(struct proc *proc)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next) {
		if (conn->proc != proc)
			continue;
		conn->proc = NULL;
		conn->stalled = false;
		conn->closing = true;
		watch_set(&conn->watch, EPOLLOUT);
	}
}

void conns_oom(void)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (conn->subscribed)
			send_frame(conn, FRAME_OOM, 0, NULL, 0);
}

void conns_shut(void)
{
	watch_close(&listener);
	unlink(SOCKET_NAME);
	for (struct conn *conn = conns; conn != NULL; conn = conn->next) {
		if (conn->proc != NULL)
			continue;
		conn->closing = true;
		watch_set(&conn->watch, EPOLLOUT);
	}
}

bool conns_pending(bool *moved)
{
	*moved = any_moved;
	any_moved = false;
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (has_output(conn) && !conn->broken)
			return true;
	return false;
}
