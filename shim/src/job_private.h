/* The job's parser, for the files that share the work on it: job.c (keys) and job_values.c (values). For nobody else. */
#ifndef HOY_JOB_PRIVATE_H
#define HOY_JOB_PRIVATE_H

#include "job.h"

/* Where a value goes: one parser function a shape, one table line a key. */
struct key {
	const char *name;
	int (*take)(const struct key *key, void *field, char *value);
	size_t offset;
	uint64_t limit; /* of a list: items; of a number: its greatest value */
	bool optional;
};

/* Each checks a value and puts it where `field` points (bind keys: at the whole job). -1 with error_text(). */
int take_absolute(const struct key *key, void *field, char *value);
int take_text(const struct key *key, void *field, char *value);
int take_id(const struct key *key, void *field, char *value);
int take_list(const struct key *key, void *field, char *value);
int take_absolute_list(const struct key *key, void *field, char *value);
int take_map(const struct key *key, void *field, char *value);
int take_flag(const struct key *key, void *field, char *value);
int take_u16(const struct key *key, void *field, char *value);
int take_u32(const struct key *key, void *field, char *value);
int take_u64(const struct key *key, void *field, char *value);
int take_driver(const struct key *key, void *field, char *value);
int take_mode(const struct key *key, void *field, char *value);
int take_version(const struct key *key, void *field, char *value);
int take_bind_source(const struct key *key, void *field, char *value);
int take_bind_target(const struct key *key, void *field, char *value);
int take_bind_flags(const struct key *key, void *field, char *value);

bool job_is_absolute(const char *path);

#endif
