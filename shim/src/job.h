/* The job: what the daemon asks of one shim, a file of `key NUL value NUL` pairs. Parsed strictly and once; all
 * strings stay in the one block that was read. See PROTOCOL.md for the keys. */
#ifndef HOY_JOB_H
#define HOY_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_LIMIT (256 * 1024)

/* The kernel's own bounds: OVL_MAX_STACK lowers, UID_GID_MAP_MAX_EXTENTS ranges. The others are ours. */
#define MAX_LOWERS 500
#define MAX_RANGES 340
#define MAX_BINDS 1024
#define MAX_ARGS 32
#define MAX_HIDES 16
#define MAX_FILES 16

struct id_range {
	uint32_t container, host, size;
};

struct id_map {
	struct id_range *ranges;
	size_t count;
};

struct strings {
	char **items;
	size_t count;
};

struct bind {
	char *source, *target;
	bool recursive, idmap;
};

enum log_driver { LOG_NONE, LOG_JSON, LOG_LOCAL };

struct log_settings {
	enum log_driver driver;
	char *path;
	uint64_t max_size; /* bytes; 0: never rotate */
	uint32_t max_file;
	bool compress;
	char *attrs; /* JSON or "" */
	bool non_blocking;
	uint64_t max_buffer;
};

/* Where the daemon put the runtime's copy. */
#define SEALED_FD 3

struct job {
	char *id, *bundle, *state;
	char *runtime, *runtime_root;
	bool sealed; /* SEALED_FD is a copy of the runtime that nobody can change, to be run in its place */
	struct strings runtime_args, hides, lowers, oom_files, cgroup_procs;
	struct id_map uids, gids;
	char *upper, *work, *rootfs;
	struct bind *binds;
	size_t bind_count;
	bool netns;
	bool terminal, open_stdin, stdin_once, hold;
	/* Whether the shim asks the runtime to forget the container at its end; else the daemon clears up itself. */
	bool deletes;
	uint16_t rows, cols;
	struct log_settings log;
};

/* Takes `data` (length bytes, with a NUL behind them, kept by the job). -1 with error_text() when it breaks a rule. */
int job_parse(struct job *job, char *data, size_t length);

/* The id outside of the container's id 0; of its first id, when it has no 0. Only for a map that is not empty. */
uint32_t id_map_root(const struct id_map *map);

/* Frees the lists (not the block): for tests. */
void job_free(struct job *job);

#endif
