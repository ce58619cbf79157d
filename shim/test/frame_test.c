/* The frames' codec: the rules of PROTOCOL.md at their edges, and random bytes. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/frame.h"
#include "../src/util.h"
#include "check.h"

static int parse(uint8_t type, uint8_t stream, uint16_t zero, uint32_t length, size_t have)
{
	uint8_t *data = calloc(1, FRAME_HEADER + have);
	frame_header(data, type, stream, length);
	put_u16(data + 2, zero);
	struct frame frame;
	int result = frame_parse(data, FRAME_HEADER + have, &frame);
	free(data);
	return result;
}

static void test_rules(void)
{
	uint8_t header[FRAME_HEADER];
	struct frame frame;
	frame_header(header, FRAME_SUBSCRIBE, 0, 0);
	for (size_t length = 0; length < FRAME_HEADER; length++)
		CHECK(frame_parse(header, length, &frame) == 0);
	CHECK(frame_parse(header, FRAME_HEADER, &frame) == 1 && frame.type == FRAME_SUBSCRIBE && frame.length == 0);

	CHECK(parse(FRAME_STDIN, 0, 0, FRAME_PAYLOAD, FRAME_PAYLOAD) == 1);
	CHECK(parse(FRAME_STDIN, 0, 0, FRAME_PAYLOAD, FRAME_PAYLOAD - 1) == 0);
	CHECK(parse(FRAME_STDIN, 0, 0, FRAME_PAYLOAD + 1, 0) == -1);
	CHECK(parse(FRAME_STDIN, 0, 0, UINT32_MAX, 0) == -1);
	CHECK(parse(FRAME_STDIN, 1, 0, 0, 0) == -1);
	CHECK(parse(FRAME_STDIN, 0, 1, 0, 0) == -1);
	CHECK(parse(FRAME_ATTACH, 0, 0, 8, 8) == 1);
	CHECK(parse(FRAME_ATTACH, 0, 0, 7, 7) == -1);
	CHECK(parse(FRAME_ATTACH, 0, 0, 9, 9) == -1);
	CHECK(parse(FRAME_EXEC, 0, 0, 8, 8) == -1);
	CHECK(parse(FRAME_EXEC, 0, 0, 8 + 4096, 8 + 4096) == 1);
	CHECK(parse(FRAME_EXEC, 0, 0, 8 + 4097, 0) == -1);
	CHECK(parse(FRAME_SUBSCRIBE, 0, 0, 1, 1) == -1);
	CHECK(parse(FRAME_OUT, 0, 0, 0, 0) == -1);
	CHECK(parse(0, 0, 0, 0, 0) == -1);
}

/* What parses keeps the rules, and its payload lies inside of what was given. */
static void test_random(void)
{
	srand(11);
	for (int round = 0; round < 200000; round++) {
		size_t length = (size_t)rand() % 40;
		uint8_t *data = malloc(length + 1);
		for (size_t i = 0; i < length; i++)
			data[i] = (uint8_t)(rand() % 3 == 0 ? rand() : rand() % 12);
		struct frame frame;
		if (frame_parse(data, length, &frame) == 1) {
			CHECK(frame.type >= FRAME_ATTACH && frame.type <= FRAME_REOPEN_LOG);
			CHECK(frame.payload + frame.length <= data + length);
		}
		free(data);
	}
}

int main(void)
{
	test_rules();
	test_random();
	return 0;
}
