#include "mounter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util.h"

#define FIELDS 6
/* The kernel takes a page of options; two paths are the rest. */
#define LIMIT 16384

static char request[LIMIT];

static size_t read_request(void)
{
	size_t have = 0;
	for (;;) {
		ssize_t got = have == LIMIT ? -1 : read(STDIN_FILENO, request + have, LIMIT - have);
		if (got < 0 && have < LIMIT && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? have : 0;
		have += (size_t)got;
	}
}

int mounting_parse(struct mounting *mounting, const char *data, size_t length)
{
	const char *fields[FIELDS];
	const char *at = data, *end = data + length;
	for (int i = 0; i < FIELDS; i++) {
		const char *stop = memchr(at, '\0', (size_t)(end - at));
		if (stop == NULL)
			return -1;
		fields[i] = at;
		at = stop + 1;
	}
	char *rest;
	if (at != end || fields[4][0] < '0' || fields[4][0] > '9')
		return -1;
	errno = 0;
	mounting->flags = strtoul(fields[4], &rest, 10);
	if (errno != 0 || *rest != '\0')
		return -1;
	mounting->unmounts = strcmp(fields[0], "unmount") == 0;
	if (!mounting->unmounts && strcmp(fields[0], "mount") != 0)
		return -1;
	mounting->source = fields[1];
	mounting->target = fields[2];
	mounting->type = fields[3];
	mounting->data = fields[5];
	return mounting->target[0] == '/' ? 0 : -1;
}

int mounter_run(const char *parent)
{
	/* What it waits for is nobody's any more when the daemon is gone; and it may be gone already. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (atol(parent) != (long)getppid())
		return 2;
	struct mounting wanted;
	if (mounting_parse(&wanted, request, read_request()) != 0)
		return 2;
	int result = wanted.unmounts ? umount2(wanted.target, (int)wanted.flags)
				     : mount(wanted.source, wanted.target, wanted.type, wanted.flags, wanted.data);
	if (result == 0)
		return 0;
	char text[16];
	int length = snprintf(text, sizeof text, "%d", errno);
	(void)!write(STDOUT_FILENO, text, (size_t)length);
	return 1;
}
