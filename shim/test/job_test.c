/* The job's parser: what it takes, and that it takes nothing else, whatever the bytes. */

#include <stdlib.h>
#include <string.h>

#include "../src/job.h"
#include "../src/util.h"
#include "check.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const BASE[] = {
	"version", "1", "id", ID, "bundle", "/run/b", "state", "/data/s", "runtime", "/usr/bin/crun", "runtime-root",
	"/run/r", "upper", "/data/s/upper", "work", "/data/s/work", "rootfs", "/run/b/rootfs", "netns", "0", "terminal",
	"0", "sealed", "1", "stdin", "1", "stdin-once", "0", "hold", "1", "delete", "1", "rows", "24", "cols", "80", "log-driver", "json-file",
	"log-path", "/data/s/log", "log-max-size", "1000", "log-max-file", "3", "log-compress", "1", "log-attrs", "",
	"log-mode", "blocking", "log-max-buffer", "0", NULL};

struct text {
	char *data;
	size_t length;
};

static void add(struct text *text, const char *word)
{
	size_t length = strlen(word) + 1;
	text->data = realloc(text->data, text->length + length + 1);
	memcpy(text->data + text->length, word, length);
	text->length += length;
	text->data[text->length] = '\0';
}

/* The base job, with `key`'s value replaced, or left out when NULL. */
static struct text base(const char *key, const char *value)
{
	struct text text = {0};
	for (size_t i = 0; BASE[i] != NULL; i += 2) {
		bool same = key != NULL && strcmp(BASE[i], key) == 0;
		if (same && value == NULL)
			continue;
		add(&text, BASE[i]);
		add(&text, same ? value : BASE[i + 1]);
	}
	return text;
}

static int parse(struct text text, struct job *job)
{
	return job_parse(job, text.data, text.length);
}

static void expect(struct text text, int result, const char *words)
{
	struct job job;
	CHECK(parse(text, &job) == result);
	if (result != 0 && strstr(error_text(), words) == NULL) {
		fprintf(stderr, "wanted \"%s\", got \"%s\"\n", words, error_text());
		exit(1);
	}
	job_free(&job);
	free(text.data);
}

static void expect_value(const char *key, const char *value, int result)
{
	expect(base(key, value), result, key);
}

static void test_whole(void)
{
	struct text text = base(NULL, NULL);
	const char *const more[] = {"uidmap", "0 100000 65536", "gidmap", "0 100000 65536", "lower", "/l/1", "lower", "/l/2",
				    "bind-source", "/src", "bind-target", "/run/b/x", "bind-flags", "ri", "bind-source", "/s2",
				    "bind-target", "/run/b/y", "bind-flags", "-", "runtime-arg", "--debug", "hide", "/sys/x",
				    "oom-file", "/sys/m", "cgroup-procs", "/sys/p", NULL};
	for (size_t i = 0; more[i] != NULL; i++)
		add(&text, more[i]);
	struct job job;
	CHECK(parse(text, &job) == 0);
	CHECK(strcmp(job.id, ID) == 0);
	CHECK(job.lowers.count == 2 && strcmp(job.lowers.items[0], "/l/1") == 0 && strcmp(job.lowers.items[1], "/l/2") == 0);
	CHECK(job.uids.count == 1 && job.uids.ranges[0].host == 100000 && job.uids.ranges[0].size == 65536);
	CHECK(job.bind_count == 2 && job.binds[0].recursive && job.binds[0].idmap && !job.binds[1].idmap);
	CHECK(job.rows == 24 && job.cols == 80 && job.open_stdin && !job.terminal && job.sealed && job.hold && job.deletes);
	CHECK(job.log.driver == LOG_JSON && job.log.max_size == 1000 && job.log.max_file == 3 && job.log.compress);
	job_free(&job);
	free(text.data);
}

static void test_values(void)
{
	expect(base(NULL, NULL), 0, "");
	for (size_t i = 0; BASE[i] != NULL; i += 2)
		expect(base(BASE[i], NULL), -1, BASE[i]); /* each is needed */
	expect_value("version", "2", -1);
	expect_value("id", "abc", -1);
	expect_value("id", "../3456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01", -1);
	expect_value("bundle", "relative", -1);
	expect_value("bundle", "", -1);
	expect_value("bundle", "/a/../b", -1);
	expect_value("bundle", "/a/..", -1);
	expect_value("bundle", "/a/..b", 0);
	expect_value("rows", "65536", -1);
	expect_value("rows", "-1", -1);
	expect_value("rows", " 1", -1);
	expect_value("rows", "", -1);
	expect_value("terminal", "2", -1);
	expect_value("terminal", "00", -1);
	expect_value("log-max-size", "99999999999999999999", -1);
	expect_value("log-max-size", "9223372036854775807", 0);
	expect_value("log-max-file", "0", -1);
	expect_value("log-driver", "syslog", -1);
	expect_value("log-path", "x", -1);
	expect_value("log-mode", "sometimes", -1);
}

static void test_pairs(const char *words, int result, const char *const pairs[])
{
	struct text text = base(NULL, NULL);
	for (size_t i = 0; pairs[i] != NULL; i++)
		add(&text, pairs[i]);
	expect(text, result, words);
}

static void test_lists(void)
{
	test_pairs("unknown key: colour", -1, (const char *const[]){"colour", "blue", NULL});
	test_pairs("key given twice: id", -1, (const char *const[]){"id", ID, NULL});
	test_pairs("go together", -1, (const char *const[]){"uidmap", "0 1 1", NULL});
	test_pairs("uidmap", -1, (const char *const[]){"uidmap", "0 1", NULL});
	test_pairs("uidmap", -1, (const char *const[]){"uidmap", "0 1 0", NULL});
	test_pairs("uidmap", -1, (const char *const[]){"uidmap", "0 4294967295 1", NULL});
	test_pairs("uidmap", -1, (const char *const[]){"uidmap", "0 1 1 ", NULL});
	test_pairs("bind-target", -1, (const char *const[]){"bind-target", "/x", NULL});
	test_pairs("without bind-target", -1, (const char *const[]){"bind-source", "/x", NULL});
	test_pairs("bind-flags", -1, (const char *const[]){"bind-source", "/x", "bind-target", "/y", "bind-flags", "z", NULL});
	test_pairs("idmap", -1, (const char *const[]){"bind-source", "/x", "bind-target", "/y", "bind-flags", "i", NULL});
	struct text many = base(NULL, NULL);
	for (int i = 0; i <= MAX_LOWERS; i++) {
		add(&many, "lower");
		add(&many, "/l");
	}
	expect(many, -1, "too many of lower");
}

/* Cut anywhere, or with any byte changed, it parses or fails: nothing else (the sanitizers look on). */
static void test_damage(void)
{
	struct text whole = base(NULL, NULL);
	srand(7);
	for (int round = 0; round < 3000; round++) {
		size_t length = (size_t)rand() % (whole.length + 1);
		char *copy = malloc(length + 1);
		memcpy(copy, whole.data, length);
		copy[length] = '\0';
		for (int change = rand() % 3; change > 0 && length > 0; change--)
			copy[(size_t)rand() % length] = (char)rand();
		struct job job;
		(void)job_parse(&job, copy, length);
		job_free(&job);
		free(copy);
	}
	free(whole.data);
}

int main(void)
{
	test_whole();
	test_values();
	test_lists();
	test_damage();
	return 0;
}
