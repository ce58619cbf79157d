#include "oom.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "loop.h"
#include "util.h"

static const struct job *the_job;
static void (*on_kill)(void);
static struct watch watch = {.fd = -1};
static uint64_t known;

/* The N of a line `oom_kill N`. */
static uint64_t kill_count(const char *path)
{
	size_t length;
	char *text = read_file(path, 4096, &length);
	uint64_t count = 0;
	for (char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, "oom_kill ", 9) == 0)
			count = strtoull(line + 9, NULL, 10);
		char *end = strchr(line, '\n');
		line = end == NULL ? NULL : end + 1;
	}
	free(text);
	return count;
}

static uint64_t total_count(void)
{
	uint64_t total = 0;
	for (size_t i = 0; i < the_job->oom_files.count; i++)
		total += kill_count(the_job->oom_files.items[i]);
	return total;
}

/* v2: any line of the file may have changed. */
static void look_v2(struct watch *ready, uint32_t events)
{
	(void)events;
	uint8_t drop[512];
	if (read(ready->fd, drop, sizeof drop) < 0)
		return;
	uint64_t now = total_count();
	if (now > known)
		on_kill();
	known = now;
}

/* v1: rung as the group runs out, before the kill is counted; and once more when the group is removed. */
static void look_v1(struct watch *ready, uint32_t events)
{
	(void)events;
	uint64_t rings;
	if (read(ready->fd, &rings, sizeof rings) == (ssize_t)sizeof rings && access(the_job->oom_files.items[0], F_OK) == 0)
		on_kill();
}

/* An eventfd, registered by a line `eventfd file` (cgroup-v1/memory.rst, "OOM Control"). */
static int watch_v1(const char *path)
{
	char control[4096], line[32];
	int directory = (int)(strrchr(path, '/') - path);
	snprintf(control, sizeof control, "%.*s/cgroup.event_control", directory, path);
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int registrar = open(control, O_WRONLY | O_CLOEXEC);
	int length = snprintf(line, sizeof line, "%d %d", bell, file);
	bool good = bell >= 0 && file >= 0 && registrar >= 0 && write_all(registrar, line, (size_t)length) == 0;
	if (registrar >= 0)
		close(registrar);
	if (file >= 0)
		close(file);
	if (good)
		return bell;
	if (bell >= 0)
		close(bell);
	return -1;
}

/* v2: the file is "modified" at each event (cgroup-v2.rst, "memory.events"). */
static int watch_v2(const char *path)
{
	int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (notify >= 0 && inotify_add_watch(notify, path, IN_MODIFY) >= 0)
		return notify;
	if (notify >= 0)
		close(notify);
	return -1;
}

void oom_watch(const struct job *job, void (*happened)(void))
{
	the_job = job;
	on_kill = happened;
	if (job->oom_files.count == 0)
		return;
	const char *path = job->oom_files.items[0];
	const char *name = strrchr(path, '/') + 1;
	bool v1 = strcmp(name, "memory.oom_control") == 0;
	watch = (struct watch){.fd = v1 ? watch_v1(path) : watch_v2(path), .ready = v1 ? look_v1 : look_v2};
	watch_set(&watch, EPOLLIN);
}

bool oom_happened(const struct job *job)
{
	the_job = job;
	return total_count() > 0;
}
