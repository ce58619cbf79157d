/* Connections: what each frame of the daemon does. A frame out of its place closes the connection. */

#include "conn_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "own_program.h"
#include "util.h"

static const struct job *the_job;

void conn_frames_init(const struct job *job)
{
	the_job = job;
}

/* Where the log ends at this moment, and then what was read and is in no entry yet: whoever reads the log up to there
 * and this stream after it has each byte once. */
static void send_position(struct conn *conn)
{
	uint8_t payload[16];
	uint64_t inode = 0, size = 0;
	if (conn->proc->number == 0)
		log_position(&inode, &size);
	put_u64(payload, inode);
	put_u64(payload + 8, size);
	conn_send_ok(conn, payload, sizeof payload);
	for (int stream = STDOUT; inode != 0 && stream <= STDERR; stream++) {
		size_t length;
		const uint8_t *line = log_unfinished((enum stream)stream, &length);
		if (length > 0 && (conn->want & (stream == STDOUT ? WANT_STDOUT : WANT_STDERR)) != 0)
			conn_send(conn, FRAME_OUT, (uint8_t)stream, line, length);
	}
}

static enum verdict attach(struct conn *conn, const struct frame *frame)
{
	struct proc *proc = proc_find(get_u32(frame->payload));
	uint32_t want = get_u32(frame->payload + 4);
	if (conn->mode != MODE_NEW || (want & ~(WANT_STDIN | WANT_STDOUT | WANT_STDERR | WANT_POSITION)) != 0)
		return CLOSE;
	/* An exec that was told of is in its file. */
	bool told = proc != NULL && proc->number != 0 && proc->state == PROC_REPORTED;
	if (proc == NULL || proc->state == PROC_FAILED || told) {
		conn_send_result(conn, ESRCH);
		return DONE;
	}
	conn->mode = MODE_ATTACH;
	conn->proc = proc;
	conn->want = want & ~WANT_POSITION;
	if ((want & WANT_POSITION) != 0)
		send_position(conn);
	else
		conn_send_ok(conn, NULL, 0);
	/* A stream that ended before is at its end for this client too. */
	for (int i = 0; i < 2; i++)
		if (proc->state >= PROC_RUNNING && proc->out[i].watch.fd < 0)
			conn_send(conn, FRAME_END, (uint8_t)proc->out[i].stream, NULL, 0);
	if (proc->state == PROC_REPORTED && proc_output_ended(proc))
		conn_finish(conn);
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
		conn_send_result(conn, ESRCH);
		return DONE;
	}
	if (!own_program(container, the_job))
		return STALL;
	struct proc *proc =
		proc_exec(the_job, file, want, get_u16(frame->payload + 4), get_u16(frame->payload + 6));
	if (proc == NULL) {
		conn_send_error(conn, EIO, error_text());
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
	uint8_t payload[12];
	put_u32(payload, (uint32_t)container->pid);
	put_u32(payload + 4, (uint32_t)getpid());
	put_u32(payload + 8, PROTOCOL_VERSION);
	conn_send_ok(conn, payload, sizeof payload);
	if (container->state == PROC_REPORTED)
		conn_send_exit(conn, container);
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
	conn_send_result(conn, error);
	return DONE;
}

enum verdict conn_handle(struct conn *conn, const struct frame *frame)
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
