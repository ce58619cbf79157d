#include "inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define CGROUPS "/sys/fs/cgroup" /* where crun looks too */
#define ROOT "exec-root" /* in the bundle, which is the working directory */
#define PATH_ROOM 4200
#define PAGE 4096 /* all that read_file() gives of what the kernel writes */
#define STATUS_LIMIT (1 << 20)

/* What crun itself takes of the container's limits for a moment when it is inside; without that room it stays out. */
#define RUNTIME_PROCESSES 3
#define RUNTIME_MEMORY (16 << 20)

static char root[PATH_ROOM];
static char *cgroup; /* the container's, as crun's record names it */

static bool prepare(const struct job *job);
static bool open_tasks(struct inside *inside, const char *controllers);
static bool has_room(const char *group, const char *limit, const char *used, uint64_t need);

bool inside_open(struct inside *inside, const struct job *job)
{
	static bool tried, prepared;
	*inside = (struct inside){.root = root};
	if (!tried)
		prepared = prepare(job);
	tried = true;
	size_t length;
	char *own = !prepared ? NULL : read_file("/proc/self/cgroup", PAGE, &length);
	bool whole = own != NULL && length < PAGE;
	char *rest = own, *line;
	while (whole && (line = strsep(&rest, "\n")) != NULL) {
		/* cgroups(7): hierarchy-ID:controller-list:cgroup-path; the list of v2's is empty. */
		char *list = strchr(line, ':'), *end = list == NULL ? NULL : strchr(list + 1, ':');
		if (end == NULL || end == list + 1)
			continue;
		*end = '\0';
		whole = open_tasks(inside, list + 1);
	}
	free(own);
	if (whole && inside->count > 0)
		return true;
	inside_close(inside);
	return false;
}

void inside_close(struct inside *inside)
{
	while (inside->count > 0)
		close(inside->tasks[--inside->count]);
}

bool inside_enter(const struct inside *inside)
{
	for (size_t i = 0; i < inside->count; i++)
		if (write(inside->tasks[i], "0", 1) != 1)
			return false;
	return true;
}

static bool open_tasks(struct inside *inside, const char *controllers)
{
	const char *name = strncmp(controllers, "name=", 5) == 0 ? controllers + 5 : controllers;
	char path[PATH_ROOM];
	/* A hierarchy that is not mounted here is nobody's to join. */
	snprintf(path, sizeof path, CGROUPS "/%s", name);
	if (access(path, F_OK) != 0)
		return errno == ENOENT;
	if (inside->count == MAX_HIERARCHIES ||
	    (size_t)snprintf(path, sizeof path, CGROUPS "/%s%s/tasks", name, cgroup) >= sizeof path)
		return false;
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	inside->tasks[inside->count++] = fd;
	path[strlen(path) - strlen("/tasks")] = '\0';
	return has_room(path, "pids.max", "pids.current", RUNTIME_PROCESSES) &&
		has_room(path, "memory.limit_in_bytes", "memory.usage_in_bytes", RUNTIME_MEMORY);
}

/* A number of this file of a cgroup; UINT64_MAX for "max", and where the hierarchy has no such file. */
static uint64_t read_number(const char *group, const char *name)
{
	char path[PATH_ROOM + 64];
	size_t length;
	snprintf(path, sizeof path, "%s/%s", group, name);
	char *text = read_file(path, PAGE, &length);
	uint64_t number = text == NULL || text[0] < '0' || text[0] > '9' ? UINT64_MAX : strtoull(text, NULL, 10);
	free(text);
	return number;
}

/* Whether this much more fits under the container's limit, now. */
static bool has_room(const char *group, const char *limit, const char *used, uint64_t need)
{
	uint64_t most = read_number(group, limit), now = most == UINT64_MAX ? 0 : read_number(group, used);
	return most == UINT64_MAX || (now <= most && most - now >= need);
}

/* All that the runtime has of the container, by links, but for the one file. */
static bool link_files(const char *from, const char *to)
{
	DIR *files = opendir(from);
	if (files == NULL)
		return false;
	bool linked = true;
	struct dirent *entry;
	while (linked && (entry = readdir(files)) != NULL) {
		char target[PATH_ROOM], path[PATH_ROOM];
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "status") == 0)
			continue;
		linked = (size_t)snprintf(target, sizeof target, "%s/%s", from, entry->d_name) < sizeof target &&
			(size_t)snprintf(path, sizeof path, "%s/%s", to, entry->d_name) < sizeof path &&
			(symlink(target, path) == 0 || errno == EEXIST);
	}
	closedir(files);
	return linked;
}

static bool prepare(const struct job *job)
{
	char from[PATH_ROOM], to[128], path[PATH_ROOM];
	/* v2's tree beside those of v1: crun joins it too where it sees it, and there is no way in without the wait. */
	if (access(CGROUPS "/unified/cgroup.procs", F_OK) == 0 ||
	    (size_t)snprintf(root, sizeof root, "%s/" ROOT, job->bundle) >= sizeof root ||
	    (size_t)snprintf(from, sizeof from, "%s/%s", job->runtime_root, job->id) >= sizeof from ||
	    (size_t)snprintf(to, sizeof to, ROOT "/%s", job->id) >= sizeof to ||
	    (size_t)snprintf(path, sizeof path, "%s/status", from) >= sizeof path)
		return false;
	size_t length;
	char *status = read_file(path, STATUS_LIMIT, &length), *group = NULL;
	char *record = status == NULL ? NULL : inside_record(status, length, &group);
	snprintf(path, sizeof path, "%s/status", to);
	bool done = record != NULL && (mkdir(ROOT, 0700) == 0 || errno == EEXIST) &&
		(mkdir(to, 0700) == 0 || errno == EEXIST) && link_files(from, to) &&
		write_whole(path, record, strlen(record), false) == 0;
	if (done)
		cgroup = group;
	else
		free(group);
	free(record);
	free(status);
	return done;
}

/* The value of this key, between its quotes; NULL when it is not there, or has an escape. The key can't be found within
 * another's value: a quote is escaped there. */
static const char *find_text(const char *json, const char *quoted_key, size_t *length)
{
	const char *at = strstr(json, quoted_key);
	if (at == NULL)
		return NULL;
	at += strlen(quoted_key);
	at += strspn(at, " \t\r\n");
	if (*at++ != ':')
		return NULL;
	at += strspn(at, " \t\r\n");
	if (*at++ != '"')
		return NULL;
	*length = strcspn(at, "\"\\");
	return at[*length] == '"' ? at : NULL;
}

char *inside_record(const char *status, size_t length, char **cgroup_path)
{
	size_t size;
	const char *value = memchr(status, '\0', length) != NULL ? NULL : find_text(status, "\"cgroup-path\"", &size);
	if (value == NULL || value[0] != '/' || size < 2)
		return NULL;
	char *path = strndup(value, size), *record = malloc(length - size + 1);
	if (path == NULL || record == NULL || strstr(path, "/..") != NULL) {
		free(path);
		free(record);
		return NULL;
	}
	size_t before = (size_t)(value - status);
	memcpy(record, status, before);
	memcpy(record + before, value + size, length - before - size + 1);
	*cgroup_path = path;
	return record;
}
