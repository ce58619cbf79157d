/* The event loop: one epoll set, a few timers, one thread. Events are taken one at a time, so that a handler may
 * free any watch, its own included, without another event for it being under way. */
#ifndef HOY_LOOP_H
#define HOY_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* A descriptor in the loop. Embedded in what it belongs to. */
struct watch {
	int fd; /* -1: none */
	uint32_t events; /* what epoll knows; 0: not in the set, so that not even EPOLLHUP wakes us */
	void (*ready)(struct watch *watch, uint32_t events);
};

struct timer {
	uint64_t at; /* monotonic ns; 0: not running */
	void (*fire)(struct timer *timer);
	struct timer *next;
};

#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-__builtin_offsetof(type, member)))

int loop_init(void);

/* Asks for these events from now on; 0 takes the watch out of the set. */
void watch_set(struct watch *watch, uint32_t events);

/* Takes it out of the set and closes its descriptor. Idempotent. */
void watch_close(struct watch *watch);

/* Fires once, `ms` from now; starting a running timer moves it. */
void timer_start(struct timer *timer, uint32_t ms);
void timer_stop(struct timer *timer);

/* Runs until `done` says so; it is asked before every wait. */
void loop_run(bool (*done)(void));

#endif
