/* How an entry looks in the file: Docker's json-file lines, or the compact binary records of `local`. */
#ifndef HOY_LOG_FORMAT_H
#define HOY_LOG_FORMAT_H

#include "log.h"

/* {"log":"…\n","stream":"stdout","attrs":…,"time":"…"} and a newline, byte for byte as Docker's encoder. */
void log_format_json(const struct log_entry *entry, const char *attrs);

/* Length, head, line, length again: see PROTOCOL.md, "The local driver's file". */
void log_format_local(const struct log_entry *entry, const char *attrs);

#endif
