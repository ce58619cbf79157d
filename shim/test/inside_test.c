/* The record that names no cgroup: made of crun's, and of nothing else. */

#include <stdbool.h>
#include <string.h>

#include "../src/inside.h"
#include "check.h"

static bool gives(const char *status, const char *record, const char *path)
{
	char *group = NULL, *made = inside_record(status, strlen(status), &group);
	bool as_told = record == NULL ? made == NULL && group == NULL
				      : made != NULL && strcmp(made, record) == 0 && strcmp(group, path) == 0;
	free(made);
	free(group);
	return as_told;
}

int main(void)
{
	CHECK(gives("{\n \"pid\": 1,\n \"cgroup-path\": \"/hoy/a\",\n \"scope\": \"\"\n}",
		"{\n \"pid\": 1,\n \"cgroup-path\": \"\",\n \"scope\": \"\"\n}", "/hoy/a"));
	CHECK(gives("{\"cgroup-path\":\"/a\"}", "{\"cgroup-path\":\"\"}", "/a"));
	/* A key within another's value has its quotes escaped. */
	CHECK(gives("{\"rootfs\":\"\\\"cgroup-path\\\": \\\"/x\\\"\",\"cgroup-path\":\"/a\"}",
		"{\"rootfs\":\"\\\"cgroup-path\\\": \\\"/x\\\"\",\"cgroup-path\":\"\"}", "/a"));
	const char *const others[] = {
		"", "{}", "{\"cgroup_paths\":{\"cpu\":\"/a\"}}", "{\"cgroup-path\":\"\"}", "{\"cgroup-path\":\"/\"}",
		"{\"cgroup-path\":null}", "{\"cgroup-path\"", "{\"cgroup-path\":", "{\"cgroup-path\":\"/a",
		"{\"cgroup-path\":\"a\"}", "{\"cgroup-path\":\"/a\\u002e\"}", "{\"cgroup-path\":\"/a/../b\"}",
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		CHECK(gives(others[i], NULL, NULL));
	char *group;
	CHECK(inside_record("\0\"cgroup-path\":\"/a\"", 19, &group) == NULL);
	return 0;
}
