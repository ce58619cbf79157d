/* The wire's frames (PROTOCOL.md, "Frames"): header codec and the rules a frame must keep. No I/O here. */
#ifndef HOY_FRAME_H
#define HOY_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 8
#define FRAME_PAYLOAD 65536

enum frame_type {
	FRAME_ATTACH = 1,
	FRAME_STDIN = 2,
	FRAME_STDIN_EOF = 3,
	FRAME_RESIZE = 4,
	FRAME_SIGNAL = 5,
	FRAME_EXEC = 6,
	FRAME_SUBSCRIBE = 7,
	FRAME_RELEASE = 8,
	FRAME_REOPEN_LOG = 9,
	FRAME_OUT = 65,
	FRAME_OK = 66,
	FRAME_ERROR = 67,
	FRAME_EXIT = 68,
	FRAME_OOM = 69,
	FRAME_END = 70,
};

#define WANT_STDIN 1u
#define WANT_STDOUT 2u
#define WANT_STDERR 4u
#define WANT_TERMINAL 8u
#define WANT_POSITION 16u /* of the log, at the moment of an ATTACH */

/* Which of PROTOCOL.md's versions this is: a subscriber is told. */
#define PROTOCOL_VERSION 2

struct frame {
	uint8_t type, stream;
	uint32_t length;
	const uint8_t *payload;
};

/* Reads the frame at the start of `data`. 1: a whole frame; 0: more bytes are needed (of a valid beginning);
 * -1: breaks a rule: unknown type, non-zero stream or padding, or a length its type can't have. */
int frame_parse(const uint8_t *data, size_t length, struct frame *frame);

void frame_header(uint8_t header[FRAME_HEADER], uint8_t type, uint8_t stream, uint32_t length);

#endif
