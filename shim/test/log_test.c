/* The log: lines and their parts, Docker's JSON byte for byte, the local driver's records, rotation, compression,
 * a full disk, the non-blocking queue. Works in a fresh directory that is removed at the end. */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "../src/log.h"
#include "../src/loop.h"
#include "../src/util.h"
#include "check.h"

static char directory[64];

static struct log_settings settings(const char *name, enum log_driver driver)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	unlink(path);
	return (struct log_settings){.driver = driver, .path = path, .max_file = 1, .attrs = (char *)""};
}

static char *contents(const char *path)
{
	size_t length;
	char *text = read_file(path, 1 << 26, &length);
	return text == NULL ? strdup("") : text;
}

static void put(enum stream stream, const char *text)
{
	log_output(stream, (const uint8_t *)text, strlen(text));
}

/* The log's text without the times, which are checked for their form. */
static char *without_times(char *text)
{
	char *to = text;
	for (char *from = text; *from != '\0';) {
		if (strncmp(from, "\"time\":\"", 8) == 0) {
			char *end = strchr(from + 8, '"');
			CHECK(end != NULL && end[-1] == 'Z' && from[8 + 10] == 'T' && end - from <= 8 + 30);
			from = end + 1;
			*to++ = '@';
			continue;
		}
		*to++ = *from++;
	}
	*to = '\0';
	return text;
}

static void expect_log(const char *path, const char *wanted)
{
	char *text = without_times(contents(path));
	if (strcmp(text, wanted) != 0) {
		fprintf(stderr, "wanted:\n%s\ngot:\n%s\n", wanted, text);
		exit(1);
	}
	free(text);
}

static void test_time(void)
{
	char text[TIME_TEXT];
	format_time(0, text);
	CHECK(strcmp(text, "1970-01-01T00:00:00Z") == 0);
	format_time(951782400ULL * NS_PER_S + 500000000, text);
	CHECK(strcmp(text, "2000-02-29T00:00:00.5Z") == 0);
	format_time(4102444799ULL * NS_PER_S + 1, text);
	CHECK(strcmp(text, "2099-12-31T23:59:59.000000001Z") == 0);
	size_t length = format_time(1735689599ULL * NS_PER_S + 123456789, text);
	CHECK(strcmp(text, "2024-12-31T23:59:59.123456789Z") == 0 && length == 30);
}

static void test_json(void)
{
	struct log_settings log = settings("json", LOG_JSON);
	CHECK(log_init(&log) == 0);
	put(STDOUT, "plain\n\npart");
	put(STDERR, "<a href=\"x\">&\\\t\x01\r\n");
	put(STDOUT, "ial\n");
	put(STDOUT, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xff\xc3 \xed\xa0\x80 \xc0\xaf \xe2\x80\xa8\x7f\n");
	put(STDOUT, "no newline");
	log_end(STDOUT);
	log_end(STDERR);
	log_close();
	expect_log(log.path,
		   "{\"log\":\"plain\\n\",\"stream\":\"stdout\",@}\n"
		   "{\"log\":\"\\n\",\"stream\":\"stdout\",@}\n"
		   "{\"log\":\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\\\\\u0009\\u0001\\r\\n\",\"stream\":\"stderr\",@}\n"
		   "{\"log\":\"partial\\n\",\"stream\":\"stdout\",@}\n"
		   "{\"log\":\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd \\ufffd\\ufffd "
		   "\\u2028\x7f\\n\",\"stream\":\"stdout\",@}\n"
		   "{\"log\":\"no newline\",\"stream\":\"stdout\",@}\n");
}

static void test_attrs(void)
{
	struct log_settings log = settings("attrs", LOG_JSON);
	log.attrs = (char *)"{\"tag\":\"x\"}";
	CHECK(log_init(&log) == 0);
	put(STDOUT, "a\n");
	log_close();
	expect_log(log.path, "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"x\"},@}\n");
}

/* 16 KiB and no newline yet: a part; its time is the whole line's. */
static void test_long_lines(void)
{
	struct log_settings log = settings("long", LOG_JSON);
	CHECK(log_init(&log) == 0);
	char *line = malloc(40001);
	memset(line, 'x', 40000);
	line[39999] = '\n';
	line[40000] = '\0';
	put(STDOUT, line);
	for (int i = 0; i < 16384; i++)
		put(STDERR, "y");
	put(STDERR, "\n");
	log_close();
	char *text = contents(log.path);
	size_t lengths[8], count = 0;
	char times[8][TIME_TEXT];
	for (char *at = text; (at = strstr(at, "{\"log\":\"")) != NULL; count++) {
		CHECK(count < 8);
		lengths[count] = strspn(at + 8, "xy");
		bool whole = strncmp(at + 8 + lengths[count], "\\n\"", 3) == 0;
		CHECK(whole == (count == 2 || count == 4));
		at = strstr(at, "\"time\":\"") + 8;
		snprintf(times[count], TIME_TEXT, "%.*s", (int)(strchr(at, '"') - at), at);
	}
	CHECK(count == 5 && lengths[0] == 16384 && lengths[1] == 16384 && lengths[2] == 39999 - 32768);
	CHECK(lengths[3] == 16384 && lengths[4] == 0);
	CHECK(strcmp(times[0], times[1]) == 0 && strcmp(times[0], times[2]) == 0);
	free(text);
	free(line);
}

static void test_local(void)
{
	struct log_settings log = settings("local", LOG_LOCAL);
	log.attrs = (char *)"{}";
	CHECK(log_init(&log) == 0);
	put(STDERR, "one\n");
	put(STDOUT, "t\xffwo");
	log_end(STDOUT);
	log_close();
	size_t length;
	uint8_t *data = (uint8_t *)read_file(log.path, 1000, &length);
	const char *const lines[] = {"one", "t\xffwo"};
	size_t at = 0;
	for (int i = 0; i < 2; i++) {
		size_t line = strlen(lines[i]);
		uint32_t body = get_u32(data + at);
		CHECK(body == 16 + 2 + line && get_u32(data + at + 4 + body) == body);
		CHECK(data[at + 12] == (i == 0 ? STDERR : STDOUT) && data[at + 13] == i && get_u32(data + at + 16) == 2);
		CHECK(memcmp(data + at + 20, "{}", 2) == 0 && memcmp(data + at + 22, lines[i], line) == 0);
		at += 8 + body;
	}
	CHECK(at == length);
	free(data);
}

static char *gunzip(const char *path)
{
	gzFile file = gzopen(path, "r");
	CHECK(file != NULL);
	char *text = calloc(1, 1 << 20);
	int got = gzread(file, text, (1 << 20) - 1);
	CHECK(got >= 0 && gzclose(file) == Z_OK);
	return text;
}

/* Every line once, in order, over path.3 … path; none cut in two. */
static void test_rotation(bool compress)
{
	struct log_settings log = settings(compress ? "gz" : "plain", LOG_JSON);
	log.max_size = 2000;
	log.max_file = 4;
	log.compress = compress;
	CHECK(log_init(&log) == 0);
	char line[64];
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof line, "line %03d\n", i);
		put(STDOUT, line);
	}
	log_close();
	char name[200];
	int next = -1;
	for (int file = 3; file >= 0; file--) {
		snprintf(name, sizeof name, file == 0 ? "%s" : compress ? "%s.%d.gz" : "%s.%d", log.path, file);
		char *text = file > 0 && compress ? gunzip(name) : contents(name);
		CHECK(strlen(text) > 0 && strlen(text) < 2100 && text[strlen(text) - 1] == '\n');
		for (char *at = text; (at = strstr(at, "line ")) != NULL; at += 5) {
			int number = atoi(at + 5);
			CHECK(next < 0 || number == next);
			next = number + 1;
		}
		free(text);
	}
	CHECK(next == 100);
	snprintf(name, sizeof name, "%s.4%s", log.path, compress ? ".gz" : "");
	CHECK(access(name, F_OK) != 0);
	snprintf(name, sizeof name, "%s.1", log.path);
	CHECK(!compress || access(name, F_OK) != 0);
}

/* One file only: it begins anew. */
static void test_one_file(void)
{
	struct log_settings log = settings("one", LOG_JSON);
	log.max_size = 500;
	CHECK(log_init(&log) == 0);
	for (int i = 0; i < 50; i++)
		put(STDOUT, "again and again\n");
	log_close();
	struct stat status;
	CHECK(stat(log.path, &status) == 0 && status.st_size > 0 && status.st_size < 700);
}

/* A write that fails leaves whole entries, and the log goes on when there is room again. */
static void test_full_disk(void)
{
	struct log_settings log = settings("full", LOG_JSON);
	CHECK(log_init(&log) == 0);
	put(STDOUT, "before\n");
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit was, small;
	getrlimit(RLIMIT_FSIZE, &was);
	small = was;
	small.rlim_cur = 100;
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	put(STDOUT, "lost, as there is no room for it\n");
	char *big = malloc(30001);
	memset(big, 'z', 30000);
	big[30000] = '\0';
	put(STDOUT, big);
	put(STDOUT, "\n");
	free(big);
	CHECK(setrlimit(RLIMIT_FSIZE, &was) == 0);
	put(STDOUT, "after\n");
	log_close();
	expect_log(log.path, "{\"log\":\"before\\n\",\"stream\":\"stdout\",@}\n{\"log\":\"after\\n\",\"stream\":\"stdout\",@}\n");
}

static void test_reopen(void)
{
	struct log_settings log = settings("reopen", LOG_JSON);
	CHECK(log_init(&log) == 0);
	put(STDOUT, "old\n");
	char moved[200];
	snprintf(moved, sizeof moved, "%s.moved", log.path);
	CHECK(rename(log.path, moved) == 0);
	CHECK(log_reopen() == 0);
	put(STDOUT, "new\n");
	log_close();
	expect_log(moved, "{\"log\":\"old\\n\",\"stream\":\"stdout\",@}\n");
	expect_log(log.path, "{\"log\":\"new\\n\",\"stream\":\"stdout\",@}\n");
}

/* A writer that stands still loses the oldest lines, never the newest, and never blocks us. */
static void test_queue(void)
{
	struct log_settings log = settings("queue", LOG_JSON);
	log.non_blocking = true;
	log.max_buffer = 20000;
	CHECK(log_init(&log) == 0);
	pid_t writer = -1;
	char path[64], line[1100];
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	char *children = contents(path);
	writer = (pid_t)atoi(children);
	free(children);
	CHECK(writer > 0 && kill(writer, SIGSTOP) == 0);
	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof line, "%03d %01000d\n", i, 0);
		put(STDOUT, line);
	}
	CHECK(kill(writer, SIGCONT) == 0);
	log_close();
	CHECK(waitpid(writer, NULL, 0) == writer);
	char *text = contents(log.path);
	int last = -1, count = 0;
	for (char *at = text; (at = strstr(at, "{\"log\":\"")) != NULL; at += 8, count++) {
		CHECK(atoi(at + 8) > last);
		last = atoi(at + 8);
	}
	CHECK(last == 499 && count < 200 && count >= 19);
	free(text);
}

int main(void)
{
	CHECK(loop_init() == 0);
	snprintf(directory, sizeof directory, "/tmp/hoy-log-test-XXXXXX");
	CHECK(mkdtemp(directory) != NULL);
	test_time();
	test_json();
	test_attrs();
	test_long_lines();
	test_local();
	test_rotation(false);
	test_rotation(true);
	test_one_file();
	test_full_disk();
	test_reopen();
	test_queue();
	char command[100];
	snprintf(command, sizeof command, "rm -r %s", directory);
	CHECK(system(command) == 0);
	return 0;
}
