#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

/* The kernel takes a mapping in one write of less than a page (user_namespaces(7)). */
static int write_map(pid_t pid, const char *name, const struct id_map *map)
{
	char text[4096];
	size_t length = 0;
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];
		int added = snprintf(text + length, sizeof text - length, "%u %u %u\n", range->container, range->host,
				     range->size);
		if (added < 0 || (size_t)added >= sizeof text - length)
			return fail(0, "%s: mapping is longer than a page", name);
		length += (size_t)added;
	}
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(errno, "%s", path);
	int result = write_all(fd, text, length);
	if (result != 0)
		fail(errno, "mapping of the user namespace (%s)", name);
	close(fd);
	return result;
}

static int open_namespace(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail(errno, "%s", path) : fd;
}

/* The helper: waits to be killed. Its parent may be gone before it asks to die with it. */
static _Noreturn void be_helper(pid_t shim)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	be_alone(-1);
	while (getppid() == shim)
		pause();
	_exit(0);
}

int userns_open(struct userns *userns, const struct id_map *uids, const struct id_map *gids, bool network)
{
	*userns = (struct userns){.helper = 0, .fd = -1};
	unsigned long kinds = (uids->count > 0 ? CLONE_NEWUSER : 0) | (network ? CLONE_NEWNET : 0);
	if (kinds == 0)
		return 0;
	pid_t shim = getpid();
	pid_t pid = (pid_t)syscall(SYS_clone, kinds | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		return fail(errno, network ? "new user and network namespace" : "new user namespace");
	if (pid == 0)
		be_helper(shim);
	userns->helper = pid;
	bool mapped = uids->count > 0;
	if (mapped && write_map(pid, "uid_map", uids) == 0 && write_map(pid, "gid_map", gids) == 0)
		userns->fd = open_namespace(pid);
	bool good = !mapped || userns->fd >= 0;
	if (!network || !good)
		userns_end_helper(userns);
	return good ? 0 : -1;
}

void userns_end_helper(struct userns *userns)
{
	if (userns->helper <= 0)
		return;
	kill(userns->helper, SIGKILL);
	waitpid(userns->helper, NULL, 0);
	userns->helper = 0;
}
