#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Where a value goes: one parser function a shape, one table line a key. */
struct key {
	const char *name;
	int (*take)(const struct key *key, void *field, char *value);
	size_t offset;
	uint64_t limit; /* of a list: items; of a number: its greatest value */
	bool optional;
};

static int take_absolute(const struct key *key, void *field, char *value);
static int take_text(const struct key *key, void *field, char *value);
static int take_id(const struct key *key, void *field, char *value);
static int take_list(const struct key *key, void *field, char *value);
static int take_absolute_list(const struct key *key, void *field, char *value);
static int take_map(const struct key *key, void *field, char *value);
static int take_flag(const struct key *key, void *field, char *value);
static int take_u16(const struct key *key, void *field, char *value);
static int take_u32(const struct key *key, void *field, char *value);
static int take_u64(const struct key *key, void *field, char *value);
static int take_driver(const struct key *key, void *field, char *value);
static int take_mode(const struct key *key, void *field, char *value);
static int take_version(const struct key *key, void *field, char *value);
static int take_bind_source(const struct key *key, void *field, char *value);
static int take_bind_target(const struct key *key, void *field, char *value);
static int take_bind_flags(const struct key *key, void *field, char *value);

#define AT(member) __builtin_offsetof(struct job, member)
#define ONCE .optional = false
#define MANY .optional = true

static const struct key KEYS[] = {
	{"version", take_version, 0, 0, ONCE},
	{"id", take_id, AT(id), 0, ONCE},
	{"bundle", take_absolute, AT(bundle), 0, ONCE},
	{"state", take_absolute, AT(state), 0, ONCE},
	{"runtime", take_absolute, AT(runtime), 0, ONCE},
	{"runtime-root", take_absolute, AT(runtime_root), 0, ONCE},
	{"runtime-arg", take_list, AT(runtime_args), MAX_ARGS, MANY},
	{"hide", take_absolute_list, AT(hides), MAX_HIDES, MANY},
	{"uidmap", take_map, AT(uids), MAX_RANGES, MANY},
	{"gidmap", take_map, AT(gids), MAX_RANGES, MANY},
	{"lower", take_absolute_list, AT(lowers), MAX_LOWERS, MANY},
	{"upper", take_absolute, AT(upper), 0, ONCE},
	{"work", take_absolute, AT(work), 0, ONCE},
	{"rootfs", take_absolute, AT(rootfs), 0, ONCE},
	{"bind-source", take_bind_source, 0, MAX_BINDS, MANY},
	{"bind-target", take_bind_target, 0, 0, MANY},
	{"bind-flags", take_bind_flags, 0, 0, MANY},
	{"netns", take_flag, AT(netns), 0, ONCE},
	{"terminal", take_flag, AT(terminal), 0, ONCE},
	{"stdin", take_flag, AT(open_stdin), 0, ONCE},
	{"stdin-once", take_flag, AT(stdin_once), 0, ONCE},
	{"hold", take_flag, AT(hold), 0, ONCE},
	{"rows", take_u16, AT(rows), UINT16_MAX, ONCE},
	{"cols", take_u16, AT(cols), UINT16_MAX, ONCE},
	{"log-driver", take_driver, AT(log.driver), 0, ONCE},
	{"log-path", take_text, AT(log.path), 0, ONCE},
	{"log-max-size", take_u64, AT(log.max_size), INT64_MAX, ONCE},
	{"log-max-file", take_u32, AT(log.max_file), 1000, ONCE},
	{"log-compress", take_flag, AT(log.compress), 0, ONCE},
	{"log-attrs", take_text, AT(log.attrs), 0, ONCE},
	{"log-mode", take_mode, AT(log.non_blocking), 0, ONCE},
	{"log-max-buffer", take_u64, AT(log.max_buffer), 1ULL << 30, ONCE},
	{"oom-file", take_absolute_list, AT(oom_files), MAX_FILES, MANY},
	{"cgroup-procs", take_absolute_list, AT(cgroup_procs), MAX_FILES, MANY},
};
#define KEY_COUNT (sizeof KEYS / sizeof KEYS[0])

static int take_pair(struct job *job, uint64_t *seen, const char *name, char *value);
static int check_whole(struct job *job, uint64_t seen);
static bool is_absolute(const char *path);

int job_parse(struct job *job, char *data, size_t length)
{
	memset(job, 0, sizeof *job);
	if (length == 0 || length > JOB_LIMIT)
		return fail(0, "job: empty or larger than %d bytes", JOB_LIMIT);
	if (data[length - 1] != '\0')
		return fail(0, "job: does not end with NUL");
	uint64_t seen = 0;
	for (char *at = data, *end = data + length; at < end;) {
		char *name = at;
		char *value = name + strlen(name) + 1;
		if (value >= end)
			return fail(0, "job: key without a value");
		at = value + strlen(value) + 1;
		if (take_pair(job, &seen, name, value) != 0)
			return -1;
	}
	return check_whole(job, seen);
}

uint32_t id_map_root(const struct id_map *map)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->ranges[i].container == 0)
			return map->ranges[i].host;
	return map->ranges[0].host;
}

void job_free(struct job *job)
{
	struct strings *lists[] = {&job->runtime_args, &job->hides, &job->lowers, &job->oom_files, &job->cgroup_procs};
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		free(lists[i]->items);
	free(job->uids.ranges);
	free(job->gids.ranges);
	free(job->binds);
	memset(job, 0, sizeof *job);
}

static int take_pair(struct job *job, uint64_t *seen, const char *name, char *value)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(KEYS[i].name, name) != 0)
			continue;
		if (!KEYS[i].optional && (*seen & 1ULL << i) != 0)
			return fail(0, "job: key given twice: %s", name);
		*seen |= 1ULL << i;
		/* Binds are three keys in a row: those work on the job as a whole. */
		bool whole = strncmp(name, "bind-", 5) == 0;
		return KEYS[i].take(&KEYS[i], whole ? (void *)job : (char *)job + KEYS[i].offset, value);
	}
	return fail(0, "job: unknown key: %.64s", name);
}

static int check_whole(struct job *job, uint64_t seen)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (!KEYS[i].optional && (seen & 1ULL << i) == 0)
			return fail(0, "job: missing key: %s", KEYS[i].name);
	if ((job->uids.count == 0) != (job->gids.count == 0))
		return fail(0, "job: uidmap and gidmap go together");
	if (job->log.driver != LOG_NONE && !is_absolute(job->log.path))
		return fail(0, "job: bad value for log-path");
	if (job->log.max_size > 0 && job->log.max_file == 0)
		return fail(0, "job: bad value for log-max-file");
	for (size_t i = 0; i < job->bind_count; i++) {
		const struct bind *bind = &job->binds[i];
		if (bind->target == NULL)
			return fail(0, "job: bind-source without bind-target");
		if (bind->idmap && job->uids.count == 0)
			return fail(0, "job: bind-flags ask for an idmap that is not there");
	}
	return 0;
}

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
static bool is_absolute(const char *path)
{
	size_t length = strlen(path);
	if (path[0] != '/' || length >= 4096)
		return false;
	for (const char *at = path; (at = strstr(at, "/..")) != NULL; at += 3)
		if (at[3] == '/' || at[3] == '\0')
			return false;
	return true;
}

static int take_absolute(const struct key *key, void *field, char *value)
{
	if (!is_absolute(value))
		return bad_value(key);
	*(char **)field = value;
	return 0;
}

static int take_text(const struct key *key, void *field, char *value)
{
	(void)key;
	*(char **)field = value;
	return 0;
}

static int take_version(const struct key *key, void *field, char *value)
{
	(void)field;
	return strcmp(value, "1") == 0 ? 0 : bad_value(key);
}

static int take_id(const struct key *key, void *field, char *value)
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

static int take_list(const struct key *key, void *field, char *value)
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

static int take_absolute_list(const struct key *key, void *field, char *value)
{
	return is_absolute(value) ? take_list(key, field, value) : bad_value(key);
}

static int take_map(const struct key *key, void *field, char *value)
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

static int take_flag(const struct key *key, void *field, char *value)
{
	if ((value[0] != '0' && value[0] != '1') || value[1] != '\0')
		return bad_value(key);
	*(bool *)field = value[0] == '1';
	return 0;
}

static int take_u16(const struct key *key, void *field, char *value)
{
	uint64_t number;
	if (!take_number(value, key->limit, &number))
		return bad_value(key);
	*(uint16_t *)field = (uint16_t)number;
	return 0;
}

static int take_u32(const struct key *key, void *field, char *value)
{
	uint64_t number;
	if (!take_number(value, key->limit, &number))
		return bad_value(key);
	*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static int take_u64(const struct key *key, void *field, char *value)
{
	return take_number(value, key->limit, field) ? 0 : bad_value(key);
}

static int take_driver(const struct key *key, void *field, char *value)
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

static int take_mode(const struct key *key, void *field, char *value)
{
	bool non_blocking = strcmp(value, "non-blocking") == 0;
	if (!non_blocking && strcmp(value, "blocking") != 0)
		return bad_value(key);
	*(bool *)field = non_blocking;
	return 0;
}

static int take_bind_source(const struct key *key, void *field, char *value)
{
	struct job *job = field;
	if (!is_absolute(value))
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

static int take_bind_target(const struct key *key, void *field, char *value)
{
	struct job *job = field;
	struct bind *bind = job->bind_count > 0 ? &job->binds[job->bind_count - 1] : NULL;
	if (bind == NULL || bind->target != NULL || !is_absolute(value))
		return bad_value(key);
	bind->target = value;
	return 0;
}

static int take_bind_flags(const struct key *key, void *field, char *value)
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
