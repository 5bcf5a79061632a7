/* SPDX-License-Identifier: MIT */
#ifndef SINK_LOOP_H
#define SINK_LOOP_H

#include "timers.h"

#include <stdbool.h>
#include <stdint.h>

#define LOOP_SCRATCH_OCTETS 65536

struct connection;
struct server;

/* A descriptor and who wants to know about it. Embedded in its owner; it must not move while it is watched.
 */
struct watch {
        int fd;
        uint32_t events; /* what is asked of epoll now; 0: not watched */
        void (*ready)(void *owner, uint32_t events);
        void *owner;
};

/* One thread's world. Nothing here is shared but loop_stop. */
struct loop {
        struct server *server;
        int epoll;
        int clock; /* timerfd: epoll_wait alone knows only milliseconds */
        int wake; /* eventfd */
        bool stopping;
        int64_t now_ns;
        int64_t armed_ns;
        struct timers timers;
        struct connection *connections;
        char *scratch;
};

bool loop_init(struct loop *loop, struct server *server);
void loop_deinit(struct loop *loop);

void loop_run(struct loop *loop);

/* From any thread: loop_run returns soon. */
void loop_stop(struct loop *loop);

bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);

int64_t clock_now_ns(void);

#endif
