/* A process under the shim: the container's first one (number 0) or an exec's. Its start by the OCI runtime, its
 * streams, its end. Who reads the streams is conn.h's; what follows from the container's end is life.c's. */
#ifndef HOY_PROC_H
#define HOY_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "console.h"
#include "job.h"
#include "loop.h"
#include "reap.h"

enum stream { STDOUT = 1, STDERR = 2 };

enum proc_state {
	PROC_STARTING, /* the runtime works on it */
	PROC_RUNNING,
	PROC_ENDED, /* reaped; its output may still come */
	PROC_REPORTED, /* its exit has been told */
	PROC_FAILED, /* it never ran */
};

struct source {
	struct watch watch;
	struct proc *proc;
	enum stream stream;
};

struct proc {
	uint32_t number;
	enum proc_state state;
	bool terminal;
	bool held; /* output is not read yet */
	bool closable; /* STDIN_EOF closes its stdin */
	uint16_t rows, cols;
	struct child runtime, process;
	pid_t pid;
	uint32_t code;
	bool oom; /* of the container, once its exit is told */
	uint64_t ended_at;
	struct watch input;
	bool input_ending; /* close the input once the terminal is there: nothing can be written before */
	struct source out[2];
	struct console console;
	struct timer grace;
	char prefix[24]; /* of its files in the bundle */
	char console_name[40];
	struct proc *next;
};

/* Starts the container's process, with the job's streams. -1 with error_text(). */
int proc_run(struct proc *proc, const struct job *job);

/* A new exec: `file` holds the OCI process, `want` the WANT_ bits. NULL with error_text(). */
struct proc *proc_exec(const struct job *job, const char *file, uint32_t want, uint16_t rows, uint16_t cols);

/* The process of this number that is still known, or NULL. */
struct proc *proc_find(uint32_t number);

/* Writes to its stdin without waiting; gives how much it took (all, when nobody can read it any more). After less,
 * conns_input_ready() is called once there is room. */
size_t proc_input(struct proc *proc, const uint8_t *data, size_t length);
void proc_input_end(struct proc *proc);

/* 0 or an errno. */
int proc_signal(struct proc *proc, uint32_t signal);
int proc_resize(struct proc *proc, uint16_t rows, uint16_t cols);

/* Begins to read output that was held; reads on after a client had been too slow. */
void proc_release(struct proc *proc);
void proc_resume(struct proc *proc);

/* No more output can come. */
bool proc_output_ended(const struct proc *proc);

/* True while an exec has something to tell. */
bool proc_any_exec_open(void);

/* life.c's part: what follows when the container starts, fails to, or ends. */
void container_started(struct proc *proc);
void container_failed(struct proc *proc, uint32_t code, const char *message);
void container_ended(struct proc *proc);

#endif
