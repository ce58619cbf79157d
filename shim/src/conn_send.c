/* Connections: frames to the daemon, at once or through a queue of bounded length. */

#include "conn_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "util.h"

static bool any_moved;

bool conn_has_output(const struct conn *conn)
{
	return conn->out_end > conn->out_start;
}

bool conn_is_slow(const struct conn *conn)
{
	return conn->out_end - conn->out_start >= QUEUE_LIMIT;
}

bool conns_moved(void)
{
	bool moved = any_moved;
	any_moved = false;
	return moved;
}

static void drop_queue(struct conn *conn)
{
	free(conn->out);
	conn->out = NULL;
	conn->out_start = conn->out_end = conn->out_room = 0;
}

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

void conn_send(struct conn *conn, uint8_t type, uint8_t stream, const void *payload, size_t length)
{
	if (conn->broken || conn->parted)
		return;
	uint8_t header[FRAME_HEADER];
	frame_header(header, type, stream, (uint32_t)length);
	size_t sent = 0;
	if (!conn_has_output(conn)) {
		struct iovec parts[2] = {{header, sizeof header}, {(void *)payload, length}};
		sent = send_parts(conn, parts, 2);
	}
	if (!conn->broken && sent < sizeof header)
		queue_bytes(conn, header + sent, sizeof header - sent);
	size_t skip = sent > sizeof header ? sent - sizeof header : 0;
	if (!conn->broken)
		queue_bytes(conn, (const uint8_t *)payload + skip, length - skip);
	conn_update(conn);
}

void conn_send_ok(struct conn *conn, const void *payload, size_t length)
{
	conn_send(conn, FRAME_OK, 0, payload, length);
}

void conn_send_error(struct conn *conn, uint32_t code, const char *message)
{
	uint8_t payload[4 + 8192];
	size_t length = strnlen(message, sizeof payload - 4);
	put_u32(payload, code);
	memcpy(payload + 4, message, length);
	conn_send(conn, FRAME_ERROR, 0, payload, 4 + length);
}

void conn_send_result(struct conn *conn, int error)
{
	if (error == 0)
		conn_send_ok(conn, NULL, 0);
	else
		conn_send_error(conn, (uint32_t)error, strerror(error));
}

void conn_send_exit(struct conn *conn, const struct proc *proc)
{
	uint8_t payload[24];
	put_u32(payload, proc->number);
	put_u32(payload + 4, proc->code);
	put_u32(payload + 8, proc->oom);
	put_u32(payload + 12, 0);
	put_u64(payload + 16, proc->ended_at);
	conn_send(conn, FRAME_EXIT, 0, payload, sizeof payload);
}

void conn_drain(struct conn *conn)
{
	bool slow = conn_is_slow(conn);
	struct iovec part = {conn->out + conn->out_start, conn->out_end - conn->out_start};
	conn->out_start += send_parts(conn, &part, 1);
	if (!conn_has_output(conn))
		drop_queue(conn);
	if (slow && !conn_is_slow(conn) && conn->proc != NULL)
		proc_resume(conn->proc);
}
