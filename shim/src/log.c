#include "log.h"

#include <string.h>

#include "log_file.h"
#include "log_format.h"
#include "log_queue.h"
#include "util.h"

struct line {
	uint8_t bytes[LINE_LIMIT];
	size_t length;
	bool continued; /* a part of this line has been written */
	uint64_t time; /* of that part */
};

static const struct log_settings *settings;
static struct line lines[2];

static void write_entry(const struct log_entry *entry)
{
	log_file_begin();
	if (settings->driver == LOG_JSON)
		log_format_json(entry, settings->attrs);
	else
		log_format_local(entry, settings->attrs);
	log_file_end();
}

/* The queue's child has no batch to wait for. */
static void write_and_flush(const struct log_entry *entry)
{
	write_entry(entry);
	log_file_flush();
}

static void reopen_file(void)
{
	log_file_reopen();
}

int log_init(const struct log_settings *given)
{
	static const struct log_sink sink = {write_and_flush, reopen_file, log_file_close};
	settings = given;
	if (settings->driver == LOG_NONE)
		return 0;
	if (log_file_open(settings) != 0)
		return -1;
	if (!settings->non_blocking)
		return 0;
	/* The descriptor is the child's to open: here it would only be a second, stale one. */
	log_file_close();
	return log_queue_open(settings->max_buffer, &sink);
}

static void emit(enum stream stream, struct line *line, const uint8_t *bytes, size_t length, bool partial)
{
	if (!line->continued)
		line->time = now_ns();
	struct log_entry entry = {line->time, (uint8_t)stream, partial, bytes, length};
	if (settings->non_blocking)
		log_queue_put(&entry);
	else
		write_entry(&entry);
	line->continued = partial;
}

static void flush(void)
{
	if (!settings->non_blocking)
		log_file_flush();
}

/* Takes bytes up to a newline (which is not among them) or the limit; true when the line is now full. */
static bool add_bytes(struct line *line, const uint8_t *data, size_t length)
{
	memcpy(line->bytes + line->length, data, length);
	line->length += length;
	return line->length == LINE_LIMIT;
}

void log_output(enum stream stream, const uint8_t *data, size_t length)
{
	if (settings->driver == LOG_NONE)
		return;
	struct line *line = &lines[stream - STDOUT];
	while (length > 0) {
		const uint8_t *newline = memchr(data, '\n', length);
		size_t part = newline == NULL ? length : (size_t)(newline - data);
		size_t room = LINE_LIMIT - line->length;
		if (part >= room) {
			/* Full before its end: a part, even when the newline is the next byte, as Docker does. */
			add_bytes(line, data, room);
			emit(stream, line, line->bytes, LINE_LIMIT, true);
			line->length = 0;
			data += room;
			length -= room;
			continue;
		}
		if (newline == NULL) {
			add_bytes(line, data, part);
			break;
		}
		if (line->length == 0) {
			emit(stream, line, data, part, false);
		} else {
			add_bytes(line, data, part);
			emit(stream, line, line->bytes, line->length, false);
			line->length = 0;
		}
		data += part + 1;
		length -= part + 1;
	}
	flush();
}

void log_end(enum stream stream)
{
	struct line *line = &lines[stream - STDOUT];
	if (settings->driver == LOG_NONE || line->length == 0)
		return;
	emit(stream, line, line->bytes, line->length, true);
	line->length = 0;
	flush();
}

void log_position(uint64_t *inode, uint64_t *size)
{
	*inode = *size = 0;
	if (settings->driver != LOG_NONE && !settings->non_blocking)
		log_file_position(inode, size);
}

const uint8_t *log_unfinished(enum stream stream, size_t *length)
{
	const struct line *line = &lines[stream - STDOUT];
	*length = line->length;
	return line->bytes;
}

int log_reopen(void)
{
	if (settings->driver == LOG_NONE)
		return 0;
	if (!settings->non_blocking)
		return log_file_reopen();
	log_queue_reopen();
	return 0;
}

void log_close(void)
{
	if (settings->driver == LOG_NONE)
		return;
	if (settings->non_blocking)
		log_queue_close();
	else
		log_file_close();
}
