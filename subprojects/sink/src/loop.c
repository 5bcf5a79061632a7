/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors and timers. Knows nothing of what they are for. */
#include "loop.h"

#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 128
#define SECOND_NS      INT64_C(1000000000)

int64_t clock_now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* The two descriptors of the loop's own are told from watches by the address of their field. */
static bool watch_own(struct loop *loop, int *fd)
{
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = fd };

        return *fd >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, *fd, &event) == 0;
}

bool loop_init(struct loop *loop, struct server *server)
{
        *loop = (struct loop){ .server = server, .armed_ns = TIMER_NEVER, .now_ns = clock_now_ns() };
        loop->epoll = epoll_create1(EPOLL_CLOEXEC);
        loop->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        loop->scratch = memory_resize(NULL, LOOP_SCRATCH_OCTETS);
        if (loop->epoll >= 0 && watch_own(loop, &loop->clock) && watch_own(loop, &loop->wake))
                return true;
        perror("postel-sink: event loop");
        return false;
}

void loop_deinit(struct loop *loop)
{
        int fds[] = { loop->epoll, loop->clock, loop->wake };

        for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
        timers_deinit(&loop->timers);
        free(loop->scratch);
}

void loop_stop(struct loop *loop)
{
        uint64_t one = 1;

        if (write(loop->wake, &one, sizeof one) < 0)
                perror("postel-sink: eventfd");
}

bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
        struct epoll_event event = { .events = events, .data.ptr = watch };
        int operation = watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

        if (watch->events == events)
                return true;
        /* Errors and hang-ups are always reported, so that a mask that is empty to us must not be 0. */
        if (epoll_ctl(loop->epoll, operation, watch->fd, &event) != 0)
                return false;
        watch->events = events;
        return true;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
        if (watch->events != 0)
                epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
        watch->events = 0;
}

static void arm(struct loop *loop)
{
        struct timer *first = timers_first(&loop->timers);
        int64_t due_ns = first != NULL ? first->due_ns : TIMER_NEVER;
        struct itimerspec when = { .it_value = { 0 } };

        if (due_ns == loop->armed_ns)
                return;
        loop->armed_ns = due_ns;
        if (first != NULL) {
                /* 0 would disarm */
                when.it_value.tv_sec = due_ns > 0 ? due_ns / SECOND_NS : 0;
                when.it_value.tv_nsec = due_ns > 0 ? due_ns % SECOND_NS : 1;
        }
        timerfd_settime(loop->clock, TFD_TIMER_ABSTIME, &when, NULL);
}

static void fire_due(struct loop *loop)
{
        int64_t until_ns = loop->now_ns = clock_now_ns();
        struct timer *timer;

        while ((timer = timers_first(&loop->timers)) != NULL && timer->due_ns <= until_ns) {
                timers_set(&loop->timers, timer, TIMER_NEVER);
                timer->fire(timer->owner);
        }
        loop->armed_ns = TIMER_NEVER;
}

static void drain(int fd)
{
        uint64_t count;

        while (read(fd, &count, sizeof count) == (ssize_t)sizeof count)
                ;
}

void loop_run(struct loop *loop)
{
        struct epoll_event events[EVENTS_AT_ONCE];

        while (!loop->stopping) {
                bool due = false;
                int count;

                arm(loop);
                count = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, -1);
                loop->now_ns = clock_now_ns();
                for (int i = 0; i < count; i++) {
                        struct watch *watch = events[i].data.ptr;

                        if (events[i].data.ptr == &loop->clock)
                                due = true;
                        else if (events[i].data.ptr == &loop->wake)
                                loop->stopping = true;
                        else
                                watch->ready(watch->owner, events[i].events);
                }
                /* Behind the batch: a timer may free a connection that the batch has an event of. */
                if (due) {
                        drain(loop->clock);
                        fire_due(loop);
                }
        }
}
