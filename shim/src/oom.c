#include "oom.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

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

bool oom_happened(const struct job *job)
{
	for (size_t i = 0; i < job->oom_files.count; i++)
		if (kill_count(job->oom_files.items[i]) > 0)
			return true;
	return false;
}
