/* One connection, for the files that share the work on it: conn.c (life, reading), conn_send.c (writing), conn_frames.c
 * (what the daemon asks), conn_events.c (what the processes tell). For nobody else. */
#ifndef HOY_CONN_PRIVATE_H
#define HOY_CONN_PRIVATE_H

#include "conn.h"
#include "frame.h"

/* Bytes that may wait for a client before its stream is not read any more. */
#define QUEUE_LIMIT (256 * 1024)

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
	bool closing; /* parts once drained */
	bool parted; /* all is sent: its input is dropped until the peer closes */
	size_t dropped; /* bytes of it */
	struct timer patience; /* with a peer that does not close */
	uint32_t input_done; /* bytes of the STDIN frame at hand that the process has taken */
	uint8_t *in, *out;
	size_t in_length, in_room;
	size_t out_start, out_end, out_room;
	struct conn *next;
};

enum verdict { DONE, STALL, CLOSE };

extern struct conn *conns; /* all of them; the newest first */

/* conn.c */
void conn_update(struct conn *conn); /* asks the loop for the events that it can use now */
void conn_finish(struct conn *conn); /* nothing follows: it parts once drained, and closes after its peer */
bool conn_process(struct conn *conn); /* handles the frames that are there; false: it was closed */

/* conn_send.c */
bool conn_has_output(const struct conn *conn);
bool conn_is_slow(const struct conn *conn);
void conn_drain(struct conn *conn);
void conn_send(struct conn *conn, uint8_t type, uint8_t stream, const void *payload, size_t length);
void conn_send_ok(struct conn *conn, const void *payload, size_t length);
void conn_send_error(struct conn *conn, uint32_t code, const char *message);
void conn_send_result(struct conn *conn, int error); /* OK, or ERROR with the errno's text */
void conn_send_exit(struct conn *conn, const struct proc *proc);

/* conn_frames.c */
void conn_frames_init(const struct job *job);
enum verdict conn_handle(struct conn *conn, const struct frame *frame);

#endif
