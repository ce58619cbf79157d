#include "frame.h"

#include <stdbool.h>

#include "util.h"

#define PATH_LIMIT 4096

/* What a payload from the daemon may measure. */
static bool length_fits(uint8_t type, uint32_t length)
{
	switch (type) {
	case FRAME_STDIN:
		return length <= FRAME_PAYLOAD;
	case FRAME_ATTACH:
	case FRAME_RESIZE:
	case FRAME_SIGNAL:
		return length == 8;
	case FRAME_EXEC:
		return length > 8 && length <= 8 + PATH_LIMIT;
	case FRAME_STDIN_EOF:
	case FRAME_SUBSCRIBE:
	case FRAME_RELEASE:
	case FRAME_REOPEN_LOG:
		return length == 0;
	default:
		return false;
	}
}

int frame_parse(const uint8_t *data, size_t length, struct frame *frame)
{
	if (length < FRAME_HEADER)
		return 0;
	frame->type = data[0];
	frame->stream = data[1];
	frame->length = get_u32(data + 4);
	frame->payload = data + FRAME_HEADER;
	if (frame->stream != 0 || get_u16(data + 2) != 0 || !length_fits(frame->type, frame->length))
		return -1;
	return length - FRAME_HEADER >= frame->length ? 1 : 0;
}

void frame_header(uint8_t header[FRAME_HEADER], uint8_t type, uint8_t stream, uint32_t length)
{
	header[0] = type;
	header[1] = stream;
	put_u16(header + 2, 0);
	put_u32(header + 4, length);
}
