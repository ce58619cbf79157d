#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define OOM_FILE "/proc/self/oom_score_adj"
#define MAX_VERB 16

extern char **environ;

/* One call of the runtime; with `inside`, what it is told when it is in the container's cgroups already. */
struct call {
	const char *arguments[MAX_ARGS + MAX_VERB + 8];
	const char *inside_arguments[MAX_ARGS + MAX_VERB + 8];
	const struct inside *inside;
};

static const struct job *the_job;
static char oom_score[16]; /* as the daemon gave it; "" when the shim's own was left alone */

int spawn_init(const struct job *job)
{
	the_job = job;
	if (job->sealed && fcntl(SEALED_FD, F_SETFD, FD_CLOEXEC) != 0)
		return fail(errno, "the runtime's copy");
	return 0;
}

void spawn_guard_against_oom(void)
{
	size_t length;
	char *now = read_file(OOM_FILE, 64, &length);
	int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC);
	if (now != NULL && fd >= 0 && length < sizeof oom_score && write(fd, "-999", 4) == 4)
		memcpy(oom_score, now, length);
	if (fd >= 0)
		close(fd);
	free(now);
}

/* Only what is safe between vfork and exec: system calls on memory that was made ready. */
static _Noreturn void become_runtime(const struct call *call, const int streams[3])
{
	const char *const *arguments = call->arguments;
	if (call->inside != NULL && inside_enter(call->inside))
		arguments = call->inside_arguments;
	for (int i = 0; i < 3; i++)
		if (dup2(streams[i], i) != i)
			_exit(126);
	if (oom_score[0] != '\0') {
		int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, oom_score, strlen(oom_score)) < 0)
			_exit(126);
	}
	umask(022);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A sealed copy spares the runtime from making one of itself and starting again. Where the host forbids to run what
	 * is in no file system, it is run by its path. */
	if (the_job->sealed)
		execveat(SEALED_FD, "", (char *const *)arguments, environ, AT_EMPTY_PATH);
	execve(arguments[0], (char *const *)arguments, environ);
	_exit(127);
}

static pid_t vfork_runtime(const struct call *call, const int streams[3])
{
	pid_t pid = vfork();
	if (pid == 0)
		become_runtime(call, streams);
	return pid < 0 ? fail(errno, "vfork") : pid;
}

static void command_line(const char *arguments[], const char *root, const char *log, const char *const verb[])
{
	size_t count = 0;
	arguments[count++] = the_job->runtime;
	for (size_t i = 0; i < the_job->runtime_args.count; i++)
		arguments[count++] = the_job->runtime_args.items[i];
	const char *const global[] = {"--root", root, "--log", log, "--log-format", "json"};
	for (size_t i = 0; i < sizeof global / sizeof global[0]; i++)
		arguments[count++] = global[i];
	for (size_t i = 0; verb[i] != NULL && i < MAX_VERB; i++)
		arguments[count++] = verb[i];
	arguments[count] = NULL;
}

pid_t spawn_runtime(const char *log, const char *const verb[], const int streams[3], const struct inside *inside)
{
	struct call call = {.inside = inside};
	command_line(call.arguments, the_job->runtime_root, log, verb);
	if (inside != NULL)
		command_line(call.inside_arguments, inside->root, log, verb);

	/* The copies are above 2, so that no dup2 in the child can close one that is still needed. */
	int copies[3];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return fail(errno, "/dev/null");
	for (int i = 0; i < 3; i++)
		copies[i] = fcntl(streams[i] < 0 ? null : streams[i], F_DUPFD_CLOEXEC, 3);
	pid_t pid = vfork_runtime(&call, copies);
	for (int i = 0; i < 3; i++)
		if (copies[i] >= 0)
			close(copies[i]);
	close(null);
	return pid;
}
