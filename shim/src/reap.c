#include "reap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"
#include "util.h"

/* Orphans of a container in the host's pid namespace come here too: the kept ends are bounded. */
#define KEPT_LIMIT 1024

struct kept {
	pid_t pid;
	int status;
};

static struct child *children;
static struct kept *kept;
static size_t kept_count;

static bool any_leaves(void)
{
	for (struct child *child = children; child != NULL; child = child->next)
		if (child->leaves)
			return true;
	return false;
}

static void keep(pid_t pid, int status)
{
	if (kept_count >= KEPT_LIMIT || !any_leaves())
		return;
	if (kept_count % 16 == 0) {
		struct kept *grown = realloc(kept, (kept_count + 16) * sizeof *kept);
		if (grown == NULL)
			return;
		kept = grown;
	}
	kept[kept_count++] = (struct kept){pid, status};
}

static void forget_kept(void)
{
	free(kept);
	kept = NULL;
	kept_count = 0;
}

static void take_status(pid_t pid, int status)
{
	for (struct child **at = &children; *at != NULL; at = &(*at)->next) {
		struct child *child = *at;
		if (child->pid != pid)
			continue;
		*at = child->next;
		child->pid = 0;
		child->ended(child, status);
		if (!any_leaves())
			forget_kept();
		return;
	}
	keep(pid, status);
}

static void child_signal(struct watch *watch, uint32_t events)
{
	(void)events;
	struct signalfd_siginfo info;
	while (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info)
		continue;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		take_status(pid, status);
}

int reap_init(void)
{
	/* Blocked rather than ignored: ignoring would be inherited over exec by the container. */
	sigset_t all, child;
	sigfillset(&all);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &all, NULL) != 0)
		return fail(errno, "sigprocmask");
	static struct watch watch = {.fd = -1, .ready = child_signal};
	watch.fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch.fd < 0)
		return fail(errno, "signalfd");
	watch_set(&watch, EPOLLIN);
	return 0;
}

void reap_add(struct child *child)
{
	child->next = children;
	children = child;
	for (size_t i = 0; i < kept_count; i++) {
		if (kept[i].pid != child->pid)
			continue;
		int status = kept[i].status;
		kept[i] = kept[--kept_count];
		take_status(child->pid, status);
		return;
	}
}

void reap_now(struct child *child)
{
	int status = 0;
	pid_t pid = child->pid;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	take_status(pid, status);
}
