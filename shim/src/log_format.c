#include "log_format.h"

#include <string.h>

#include "log_file.h"
#include "util.h"

static void put_text(const char *text)
{
	log_file_put(text, strlen(text));
}

/* Length of the UTF-8 sequence at `at`, by Go's rules (no surrogates, nothing overlong, nothing past U+10FFFF);
 * 0 when it is none. */
static size_t rune_length(const uint8_t *at, size_t length)
{
	uint8_t first = at[0];
	size_t need = first >= 0xC2 && first <= 0xDF ? 2 : first >= 0xE0 && first <= 0xEF ? 3 : first >= 0xF0 && first <= 0xF4 ? 4 : 0;
	if (need == 0 || length < need)
		return 0;
	uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
	uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if (at[i] < 0x80 || at[i] > 0xBF)
			return 0;
	return need;
}

/* The escape of an ASCII character that may not stand as it is; NULL when it may. */
static const char *ascii_escape(uint8_t byte, char room[8])
{
	static const char digits[] = "0123456789abcdef";
	if (byte == '"' || byte == '\\') {
		memcpy(room, (char[]){'\\', (char)byte, '\0'}, 3);
		return room;
	}
	if (byte == '\n')
		return "\\n";
	if (byte == '\r')
		return "\\r";
	if (byte >= 0x20 && byte != '<' && byte != '>' && byte != '&')
		return NULL;
	memcpy(room, (char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15], '\0'}, 7);
	return room;
}

static void put_json_string(const uint8_t *bytes, size_t length)
{
	char room[8];
	size_t plain = 0; /* start of what stands as it is */
	for (size_t at = 0; at < length;) {
		const char *escape = NULL;
		size_t width = 1;
		if (bytes[at] < 0x80) {
			escape = ascii_escape(bytes[at], room);
		} else {
			width = rune_length(bytes + at, length - at);
			if (width == 0) {
				width = 1;
				escape = "\\ufffd";
			} else if (width == 3 && bytes[at] == 0xE2 && bytes[at + 1] == 0x80 && (bytes[at + 2] & 0xFE) == 0xA8) {
				escape = bytes[at + 2] == 0xA8 ? "\\u2028" : "\\u2029";
			}
		}
		if (escape != NULL) {
			log_file_put(bytes + plain, at - plain);
			put_text(escape);
			plain = at + width;
		}
		at += width;
	}
	log_file_put(bytes + plain, length - plain);
}

void log_format_json(const struct log_entry *entry, const char *attrs)
{
	char time[TIME_TEXT];
	size_t time_length = format_time(entry->time, time);
	put_text("{\"log\":\"");
	put_json_string(entry->line, entry->length);
	put_text(entry->partial ? "\"" : "\\n\"");
	put_text(entry->stream == STDOUT ? ",\"stream\":\"stdout\"" : ",\"stream\":\"stderr\"");
	if (attrs[0] != '\0') {
		put_text(",\"attrs\":");
		put_text(attrs);
	}
	put_text(",\"time\":\"");
	log_file_put(time, time_length);
	put_text("\"}\n");
}

void log_format_local(const struct log_entry *entry, const char *attrs)
{
	size_t attrs_length = strlen(attrs);
	uint8_t head[4 + 16];
	uint32_t body = (uint32_t)(16 + attrs_length + entry->length);
	put_u32(head, body);
	put_u64(head + 4, entry->time);
	head[12] = entry->stream;
	head[13] = entry->partial;
	put_u16(head + 14, 0);
	put_u32(head + 16, (uint32_t)attrs_length);
	log_file_put(head, sizeof head);
	log_file_put(attrs, attrs_length);
	log_file_put(entry->line, entry->length);
	log_file_put(head, 4);
}
