/* The job: the shapes of its values. */

#include "job_private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static int bad_value(const struct key *key)
{
	return fail(0, "job: bad value for %s", key->name);
}

/* Decimal digits only, to `limit`; moves *at behind them. */
static bool parse_number(const char **at, uint64_t limit, uint64_t *number)
{
	const char *digit = *at;
	uint64_t value = 0;
	for (; *digit >= '0' && *digit <= '9' && digit - *at < 19; digit++)
		value = value * 10 + (uint64_t)(*digit - '0');
	if (digit == *at || value > limit)
		return false;
	*at = digit;
	*number = value;
	return true;
}

static bool take_number(const char *text, uint64_t limit, uint64_t *number)
{
	return parse_number(&text, limit, number) && *text == '\0';
}

/* Absolute, of sane length, and without a ".." that could lead out of where it seems to be. */
bool job_is_absolute(const char *path)
{
	size_t length = strlen(path);
	if (path[0] != '/' || length >= 4096)
		return false;
	for (const char *at = path; (at = strstr(at, "/..")) != NULL; at += 3)
		if (at[3] == '/' || at[3] == '\0')
			return false;
	return true;
}

int take_absolute(const struct key *key, void *field, char *value)
{
	if (!job_is_absolute(value))
		return bad_value(key);
	*(char **)field = value;
	return 0;
}

int take_text(const struct key *key, void *field, char *value)
{
	(void)key;
	*(char **)field = value;
	return 0;
}

int take_version(const struct key *key, void *field, char *value)
{
	(void)field;
	return strcmp(value, "1") == 0 ? 0 : bad_value(key);
}

int take_id(const struct key *key, void *field, char *value)
{
	if (strlen(value) != 64 || strspn(value, "0123456789abcdef") != 64)
		return bad_value(key);
	*(char **)field = value;
	return 0;
}

/* Room for one more item; lists grow by eight, since most are short. */
static void *grow(void *items, size_t count, size_t size)
{
	if (count % 8 != 0)
		return items;
	return realloc(items, (count + 8) * size);
}

int take_list(const struct key *key, void *field, char *value)
{
	struct strings *list = field;
	if (list->count >= key->limit)
		return fail(0, "job: too many of %s", key->name);
	char **items = grow(list->items, list->count, sizeof *items);
	if (items == NULL)
		return fail(0, "job: out of memory");
	list->items = items;
	items[list->count++] = value;
	return 0;
}

int take_absolute_list(const struct key *key, void *field, char *value)
{
	return job_is_absolute(value) ? take_list(key, field, value) : bad_value(key);
}

int take_map(const struct key *key, void *field, char *value)
{
	struct id_map *map = field;
	const char *at = value;
	uint64_t container, host, size;
	if (!parse_number(&at, UINT32_MAX - 1, &container) || *at++ != ' ' ||
	    !parse_number(&at, UINT32_MAX - 1, &host) || *at++ != ' ' || !parse_number(&at, UINT32_MAX, &size) ||
	    *at != '\0' || size == 0 || container + size > UINT32_MAX || host + size > UINT32_MAX)
		return bad_value(key);
	if (map->count >= key->limit)
		return fail(0, "job: too many of %s", key->name);
	struct id_range *ranges = grow(map->ranges, map->count, sizeof *ranges);
	if (ranges == NULL)
		return fail(0, "job: out of memory");
	map->ranges = ranges;
	ranges[map->count++] = (struct id_range){(uint32_t)container, (uint32_t)host, (uint32_t)size};
	return 0;
}

int take_flag(const struct key *key, void *field, char *value)
{
	if ((value[0] != '0' && value[0] != '1') || value[1] != '\0')
		return bad_value(key);
	*(bool *)field = value[0] == '1';
	return 0;
}

int take_u16(const struct key *key, void *field, char *value)
{
	uint64_t number;
	if (!take_number(value, key->limit, &number))
		return bad_value(key);
	*(uint16_t *)field = (uint16_t)number;
	return 0;
}

int take_u32(const struct key *key, void *field, char *value)
{
	uint64_t number;
	if (!take_number(value, key->limit, &number))
		return bad_value(key);
	*(uint32_t *)field = (uint32_t)number;
	return 0;
}

int take_u64(const struct key *key, void *field, char *value)
{
	return take_number(value, key->limit, field) ? 0 : bad_value(key);
}

int take_driver(const struct key *key, void *field, char *value)
{
	enum log_driver *driver = field;
	if (strcmp(value, "json-file") == 0)
		*driver = LOG_JSON;
	else if (strcmp(value, "local") == 0)
		*driver = LOG_LOCAL;
	else if (strcmp(value, "none") == 0)
		*driver = LOG_NONE;
	else
		return bad_value(key);
	return 0;
}

int take_mode(const struct key *key, void *field, char *value)
{
	bool non_blocking = strcmp(value, "non-blocking") == 0;
	if (!non_blocking && strcmp(value, "blocking") != 0)
		return bad_value(key);
	*(bool *)field = non_blocking;
	return 0;
}

int take_bind_source(const struct key *key, void *field, char *value)
{
	struct job *job = field;
	if (!job_is_absolute(value))
		return bad_value(key);
	if (job->bind_count > 0 && job->binds[job->bind_count - 1].target == NULL)
		return fail(0, "job: bind-source without bind-target");
	if (job->bind_count >= key->limit)
		return fail(0, "job: too many of %s", key->name);
	struct bind *binds = grow(job->binds, job->bind_count, sizeof *binds);
	if (binds == NULL)
		return fail(0, "job: out of memory");
	job->binds = binds;
	binds[job->bind_count++] = (struct bind){.source = value};
	return 0;
}

int take_bind_target(const struct key *key, void *field, char *value)
{
	struct job *job = field;
	struct bind *bind = job->bind_count > 0 ? &job->binds[job->bind_count - 1] : NULL;
	if (bind == NULL || bind->target != NULL || !job_is_absolute(value))
		return bad_value(key);
	bind->target = value;
	return 0;
}

int take_bind_flags(const struct key *key, void *field, char *value)
{
	struct job *job = field;
	struct bind *bind = job->bind_count > 0 ? &job->binds[job->bind_count - 1] : NULL;
	if (bind == NULL || bind->target == NULL || value[0] == '\0' || strlen(value) > 2)
		return bad_value(key);
	for (const char *flag = value; *flag != '\0' && strcmp(value, "-") != 0; flag++) {
		if (*flag == 'r')
			bind->recursive = true;
		else if (*flag == 'i')
			bind->idmap = true;
		else
			return bad_value(key);
	}
	return 0;
}
