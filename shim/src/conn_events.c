/* Connections: what the processes tell, to each connection that it concerns. */

#include "conn_private.h"

#include "util.h"

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
			conn_send(conn, FRAME_OUT, (uint8_t)stream, data, length);
}

void conns_output_end(struct proc *proc, enum stream stream)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (listens(conn, proc, stream))
			conn_send(conn, FRAME_END, (uint8_t)stream, NULL, 0);
}

bool conns_too_slow(struct proc *proc, enum stream stream)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (listens(conn, proc, stream) && conn_is_slow(conn))
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
		conn_process(conn);
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
			conn_send_ok(conn, payload, sizeof payload);
	unstall(proc);
}

void conns_failed(struct proc *proc, uint32_t code, const char *message)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next) {
		if (conn->proc != proc)
			continue;
		conn_send_error(conn, code, message);
		conn_finish(conn);
	}
}

void conns_exit(struct proc *proc)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (proc->number == 0 ? conn->subscribed : conn->proc == proc)
			conn_send_exit(conn, proc);
}

void conns_finish(struct proc *proc)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (conn->proc == proc)
			conn_finish(conn);
}

void conns_oom(void)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (conn->subscribed)
			conn_send(conn, FRAME_OOM, 0, NULL, 0);
}

bool conns_pending(void)
{
	for (struct conn *conn = conns; conn != NULL; conn = conn->next)
		if (!conn->broken && (conn->closing || conn_has_output(conn)))
			return true;
	return false;
}
