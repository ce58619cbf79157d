#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "util.h"

static int epoll_fd = -1;
static struct timer *timers;

int loop_init(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd < 0 ? fail(errno, "epoll_create1") : 0;
}

void watch_set(struct watch *watch, uint32_t events)
{
	if (watch->fd < 0 || watch->events == events)
		return;
	struct epoll_event event = {.events = events, .data.ptr = watch};
	int operation = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	/* The kernel refuses only for want of memory or watches; a watch that is silently missing would hang a
	 * container's output for good, so ending here (and being seen as killed) is the better fault. */
	if (epoll_ctl(epoll_fd, operation, watch->fd, &event) != 0)
		abort();
	watch->events = events;
}

void watch_close(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	watch_set(watch, 0);
	close(watch->fd);
	watch->fd = -1;
}

void timer_start(struct timer *timer, uint32_t ms)
{
	timer_stop(timer);
	timer->at = monotonic_ns() + (uint64_t)ms * 1000000;
	timer->next = timers;
	timers = timer;
}

void timer_stop(struct timer *timer)
{
	for (struct timer **at = &timers; *at != NULL; at = &(*at)->next) {
		if (*at == timer) {
			*at = timer->next;
			break;
		}
	}
	timer->at = 0;
}

static struct timer *first_timer(void)
{
	struct timer *first = timers;
	for (struct timer *timer = timers; timer != NULL; timer = timer->next)
		if (timer->at < first->at)
			first = timer;
	return first;
}

/* Fires what is due; gives the ms to the next one, or -1. */
static int run_timers(void)
{
	for (;;) {
		struct timer *timer = first_timer();
		if (timer == NULL)
			return -1;
		uint64_t now = monotonic_ns();
		if (timer->at > now) {
			uint64_t ms = (timer->at - now + 999999) / 1000000;
			return ms > 60000 ? 60000 : (int)ms;
		}
		timer_stop(timer);
		timer->fire(timer);
	}
}

void loop_run(bool (*done)(void))
{
	for (;;) {
		int wait = run_timers();
		if (done())
			return;
		struct epoll_event event;
		int count = epoll_wait(epoll_fd, &event, 1, wait);
		if (count == 1) {
			struct watch *watch = event.data.ptr;
			watch->ready(watch, event.events);
		} else if (count < 0 && errno != EINTR) {
			abort();
		}
	}
}
