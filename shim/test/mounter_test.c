/* What is asked of --mount: six fields, and nothing else. */

#include <stdbool.h>
#include <string.h>

#include "../src/mounter.h"
#include "check.h"

#define ASK(text) ask(text, sizeof text)

static struct mounting asked;

static bool ask(const char *text, size_t length)
{
	/* A copy of just this length: the sanitizers see a step beyond it. */
	char *copy = malloc(length);
	CHECK(copy != NULL);
	memcpy(copy, text, length);
	bool good = mounting_parse(&asked, copy, length) == 0;
	free(copy);
	return good;
}

int main(void)
{
	/* The last NUL is the literal's own. */
	static const char whole[] = "mount\0//s/x\0/v/_data\0cifs\00016384\0user=u,password=p";
	CHECK(mounting_parse(&asked, whole, sizeof whole) == 0);
	CHECK(!asked.unmounts && asked.flags == 16384);
	CHECK(strcmp(asked.source, "//s/x") == 0 && strcmp(asked.target, "/v/_data") == 0);
	CHECK(strcmp(asked.type, "cifs") == 0 && strcmp(asked.data, "user=u,password=p") == 0);
	static const char undo[] = "unmount\0\0/v\0\0008\0";
	CHECK(mounting_parse(&asked, undo, sizeof undo) == 0);
	CHECK(asked.unmounts && asked.flags == 8 && strcmp(asked.target, "/v") == 0);

	for (size_t length = 0; length < sizeof whole; length++)
		CHECK(!ask(whole, length));
	CHECK(!ASK("mount\0a\0/b\0c\0001\0d\0"));
	CHECK(!ASK("remount\0a\0/b\0c\0001\0d"));
	CHECK(!ASK("mount\0a\0b\0c\0001\0d"));
	CHECK(!ASK("mount\0a\0/b\0c\0\0d"));
	CHECK(!ASK("mount\0a\0/b\0c\0001x\0d"));
	CHECK(!ASK("mount\0a\0/b\0c\0-1\0d"));
	CHECK(!ASK("mount\0a\0/b\0c\00099999999999999999999\0d"));
	return 0;
}
