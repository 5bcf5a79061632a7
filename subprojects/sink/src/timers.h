/* SPDX-License-Identifier: MIT */
#ifndef SINK_TIMERS_H
#define SINK_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#define TIMER_NEVER INT64_MAX

/* Embedded in what is to be woken. All zero is a timer that is not set. */
struct timer {
        int64_t due_ns;
        size_t place; /* in the heap, counted from 1 */
        void (*fire)(void *owner);
        void *owner;
};

struct timers {
        struct timer **heap;
        size_t count;
        size_t size;
};

/* Sets, moves or (TIMER_NEVER) unsets. */
void timers_set(struct timers *timers, struct timer *timer, int64_t due_ns);
struct timer *timers_first(const struct timers *timers);
void timers_deinit(struct timers *timers);

#endif
