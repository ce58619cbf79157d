/* Processes: the call of the OCI runtime that starts one, and what came of it. */

#include "proc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "frame.h"
#include "inside.h"
#include "spawn.h"
#include "util.h"

#define PATH_ROOM 4200

static const struct job *the_job;

static void runtime_ended(struct child *child, int status);

/* One pipe; `ours` does not block. The container's root gets the other end, or it could not open /dev/stdout. */
static int make_pipe(int *ours, int *theirs, bool we_read)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail(errno, "pipe");
	*ours = ends[we_read ? 0 : 1];
	*theirs = ends[we_read ? 1 : 0];
	fcntl(*ours, F_SETFL, O_NONBLOCK | (we_read ? O_RDONLY : O_WRONLY));
	if (the_job->uids.count > 0 && fchown(*theirs, id_map_root(&the_job->uids), id_map_root(&the_job->gids)) != 0)
		return fail(errno, "pipe's owner");
	return 0;
}

static int make_streams(struct proc *proc, uint32_t want, int theirs[3])
{
	if ((want & WANT_STDIN) != 0 && make_pipe(&proc->input.fd, &theirs[0], false) != 0)
		return -1;
	if ((want & WANT_STDOUT) != 0 && make_pipe(&proc->out[0].watch.fd, &theirs[1], true) != 0)
		return -1;
	if ((want & WANT_STDERR) != 0 && make_pipe(&proc->out[1].watch.fd, &theirs[2], true) != 0)
		return -1;
	return 0;
}

/* A path in the bundle as a runtime is given it: absolute, unless that is too long for a socket's name. */
static const char *in_bundle(char room[PATH_ROOM], const char *name)
{
	snprintf(room, PATH_ROOM, "%s/%s", the_job->bundle, name);
	return strlen(room) < 108 ? room : name;
}

static int start_runtime(struct proc *proc, const int theirs[3], const char *process_file)
{
	char pid_file[PATH_ROOM], log[PATH_ROOM], console[PATH_ROOM];
	snprintf(pid_file, sizeof pid_file, "%s/%spid", the_job->bundle, proc->prefix);
	snprintf(log, sizeof log, "%s/%slog", the_job->bundle, proc->number == 0 ? "runtime." : proc->prefix);
	unlink(pid_file);
	const char *verb[16];
	size_t count = 0;
	verb[count++] = process_file == NULL ? "run" : "exec";
	verb[count++] = "--detach";
	verb[count++] = process_file == NULL ? "--bundle" : "--process";
	verb[count++] = process_file == NULL ? the_job->bundle : process_file;
	verb[count++] = "--pid-file";
	verb[count++] = pid_file;
	if (proc->terminal) {
		verb[count++] = "--console-socket";
		verb[count++] = in_bundle(console, proc->console_name);
	}
	verb[count++] = the_job->id;
	verb[count] = NULL;
	struct inside inside;
	bool enters = process_file != NULL && inside_open(&inside, the_job);
	proc->runtime.pid = spawn_runtime(log, verb, theirs, enters ? &inside : NULL);
	if (enters)
		inside_close(&inside);
	if (proc->runtime.pid < 0)
		return -1;
	reap_add(&proc->runtime);
	return 0;
}

int proc_start(struct proc *proc, const struct job *job, uint32_t want, const char *process_file)
{
	the_job = job;
	proc->runtime = (struct child){.leaves = true, .ended = runtime_ended};
	proc->process = (struct child){.ended = proc_process_ended};
	int theirs[3] = {-1, -1, -1};
	int result = 0;
	if (proc->terminal) {
		snprintf(proc->console_name, sizeof proc->console_name, "%sconsole.sock", proc->prefix);
		result = console_listen(&proc->console, proc->console_name, proc_got_terminal);
	} else {
		result = make_streams(proc, want, theirs);
	}
	if (result == 0)
		result = start_runtime(proc, theirs, process_file);
	for (int i = 0; i < 3; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	return result;
}

static pid_t read_pid(const struct proc *proc)
{
	char path[64];
	size_t length;
	snprintf(path, sizeof path, "%spid", proc->prefix);
	char *text = read_file(path, 64, &length);
	long pid = text == NULL ? 0 : strtol(text, NULL, 10);
	free(text);
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static void remove_files(const struct proc *proc)
{
	char path[64];
	const char *const names[] = {"pid", "log"};
	for (size_t i = 0; proc->number != 0 && i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s%s", proc->prefix, names[i]);
		unlink(path);
	}
}

/* Cuts the text before its last line, and gives that. */
static char *last_line(char *text)
{
	char *newline = text == NULL ? NULL : strrchr(text, '\n');
	if (newline == NULL)
		return text;
	*newline = '\0';
	return newline + 1;
}

/* How a runtime's call failed: the last line of its log, or a substitute; static memory. Of crun's two processes the
 * one says what was wrong and the other that the first has failed, in any order. */
static const char *runtime_error(const struct proc *proc, uint32_t code)
{
	static char message[8192];
	char path[64];
	size_t length = 0;
	snprintf(path, sizeof path, "%slog", proc->number == 0 ? "runtime." : proc->prefix);
	char *text = read_file(path, 1 << 20, &length);
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\0'))
		text[--length] = '\0';
	const char *line = last_line(text);
	if (line != NULL && line != text && strstr(line, "\"fail startup\"") != NULL)
		line = last_line(text);
	if (length == 0)
		snprintf(message, sizeof message, "%s ended with %u and no message", the_job->runtime, code);
	else
		snprintf(message, sizeof message, "%s", line);
	free(text);
	return message;
}

static void start_failed(struct proc *proc, uint32_t code, const char *message)
{
	proc->state = PROC_FAILED;
	remove_files(proc);
	conns_failed(proc, code, message);
	if (proc->number == 0)
		container_failed(proc, code, message);
	else
		proc_discard(proc);
}

static void runtime_ended(struct child *child, int status)
{
	struct proc *proc = CONTAINER_OF(child, struct proc, runtime);
	uint32_t code = proc_exit_code(status);
	/* Else a process that has ended too would seem to have had no output. */
	if (proc->terminal)
		console_take(&proc->console);
	pid_t pid = code == 0 ? read_pid(proc) : 0;
	if (pid == 0) {
		start_failed(proc, code, runtime_error(proc, code));
		return;
	}
	remove_files(proc);
	proc->pid = pid;
	proc->state = PROC_RUNNING;
	if (proc->number == 0)
		container_started(proc);
	conns_started(proc);
	if (!proc->held)
		proc_resume(proc);
	proc->process.pid = pid;
	reap_add(&proc->process);
}
