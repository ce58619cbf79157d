/* The job: which keys there are, and that each is given as often as it should. */

#include "job_private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define AT(member) __builtin_offsetof(struct job, member)
#define ONCE .optional = false
#define MANY .optional = true

static const struct key KEYS[] = {
	{"version", take_version, 0, 0, ONCE},
	{"id", take_id, AT(id), 0, ONCE},
	{"bundle", take_absolute, AT(bundle), 0, ONCE},
	{"state", take_absolute, AT(state), 0, ONCE},
	{"runtime", take_absolute, AT(runtime), 0, ONCE},
	{"sealed", take_flag, AT(sealed), 0, ONCE},
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
	{"delete", take_flag, AT(deletes), 0, ONCE},
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
	if (job->log.driver != LOG_NONE && !job_is_absolute(job->log.path))
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
