#include "console.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util.h"

int listen_here(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strncpy(address.sun_path, name, sizeof address.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(errno, "socket");
	unlink(name);
	mode_t mask = umask(0177); /* 0600 from its first moment */
	int result = bind(fd, (struct sockaddr *)&address, sizeof address);
	umask(mask);
	if (result != 0 || listen(fd, 128) != 0) {
		fail(errno, "listen on %s", name);
		close(fd);
		return -1;
	}
	return fd;
}

static int receive_descriptor(int fd)
{
	char text[256]; /* runc sends the terminal's name with it */
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec io = {text, sizeof text};
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	int master;
	memcpy(&master, CMSG_DATA(header), sizeof master);
	return master;
}

static void message_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct console *console = CONTAINER_OF(watch, struct console, watch);
	int master = receive_descriptor(watch->fd);
	if (master < 0 && errno == EAGAIN)
		return;
	watch_close(watch);
	if (master >= 0)
		console->got(console, master);
}

static void connection_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct console *console = CONTAINER_OF(watch, struct console, watch);
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	console_close(console);
	watch->fd = fd;
	watch->ready = message_ready;
	watch_set(watch, EPOLLIN);
}

int console_listen(struct console *console, const char *name, void (*got)(struct console *console, int master))
{
	console->name = name;
	console->got = got;
	console->watch = (struct watch){.fd = listen_here(name), .ready = connection_ready};
	if (console->watch.fd < 0)
		return -1;
	watch_set(&console->watch, EPOLLIN);
	return 0;
}

void console_close(struct console *console)
{
	watch_close(&console->watch);
	if (console->name != NULL)
		unlink(console->name);
	console->name = NULL;
}

void console_take(struct console *console)
{
	/* A connection, then its message. */
	for (int step = 0; step < 2 && console->watch.fd >= 0; step++)
		console->watch.ready(&console->watch, EPOLLIN);
}
