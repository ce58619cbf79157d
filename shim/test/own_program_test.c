/* A process that is the runtime's until it runs a program as the container's user, as the kernel shows it. Needs root. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/conn.h"
#include "../src/loop.h"
#include "../src/own_program.h"
#include "check.h"

#define USER 700000

static struct proc container = {.state = PROC_RUNNING};
static struct id_range range = {0, USER, 65536};
static struct job mapped = {.uids = {&range, 1}, .gids = {&range, 1}};
static struct job unmapped;
static int asked;

struct proc *proc_find(uint32_t number)
{
	return number == 0 ? &container : NULL;
}

/* The connection that waits asks again. */
void conns_input_ready(struct proc *proc)
{
	asked++;
	(void)own_program(proc, &mapped);
}

static bool asked_twice(void)
{
	return asked >= 2;
}

static bool is_own(void)
{
	return own_program(&container, &mapped);
}

int main(void)
{
	int ready[2], go[2];
	char byte = 0;
	CHECK(loop_init() == 0 && pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
	container.pid = fork();
	CHECK(container.pid >= 0);
	if (container.pid == 0) {
		CHECK(prctl(PR_SET_DUMPABLE, 0) == 0 && setgid(USER) == 0 && setuid(USER) == 0);
		CHECK(write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1);
		execl("/bin/sleep", "sleep", "60", NULL);
		_exit(1);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	CHECK(own_program(&container, &unmapped));
	CHECK(!own_program(&container, &mapped));
	loop_run(asked_twice);
	CHECK(!own_program(&container, &mapped));
	CHECK(write(go[1], &byte, 1) == 1);
	loop_run(is_own);
	char program[64] = "", link[32];
	snprintf(link, sizeof link, "/proc/%d/comm", (int)container.pid);
	int fd = open(link, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, program, sizeof program - 1) > 0 && strncmp(program, "sleep", 5) == 0);
	close(fd);
	CHECK(kill(container.pid, SIGKILL) == 0 && waitpid(container.pid, NULL, 0) == container.pid);
	return 0;
}
