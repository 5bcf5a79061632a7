/* SPDX-License-Identifier: MIT */
/* A binary heap of timers. Knows no clock. */
#include "timers.h"

#include "buffer.h"

#include <stdlib.h>

static void put(struct timers *timers, size_t place, struct timer *timer)
{
        timers->heap[place - 1] = timer;
        timer->place = place;
}

static struct timer *at(const struct timers *timers, size_t place)
{
        return timers->heap[place - 1];
}

static void sift_up(struct timers *timers, struct timer *timer)
{
        size_t place = timer->place;

        while (place > 1 && at(timers, place / 2)->due_ns > timer->due_ns) {
                put(timers, place, at(timers, place / 2));
                place /= 2;
        }
        put(timers, place, timer);
}

static void sift_down(struct timers *timers, struct timer *timer)
{
        size_t place = timer->place;

        for (;;) {
                size_t child = place * 2;

                if (child > timers->count)
                        break;
                if (child < timers->count && at(timers, child + 1)->due_ns < at(timers, child)->due_ns)
                        child++;
                if (at(timers, child)->due_ns >= timer->due_ns)
                        break;
                put(timers, place, at(timers, child));
                place = child;
        }
        put(timers, place, timer);
}

static void unset(struct timers *timers, struct timer *timer)
{
        size_t place = timer->place;
        struct timer *last;

        if (place == 0)
                return;
        timer->place = 0;
        last = at(timers, timers->count--);
        if (last == timer)
                return;
        put(timers, place, last);
        sift_up(timers, last);
        sift_down(timers, last);
}

void timers_set(struct timers *timers, struct timer *timer, int64_t due_ns)
{
        if (timer->place != 0 && timer->due_ns == due_ns)
                return;
        unset(timers, timer);
        if (due_ns == TIMER_NEVER)
                return;
        timer->due_ns = due_ns;
        if (timers->count == timers->size) {
                timers->size = timers->size > 0 ? timers->size * 2 : 16;
                timers->heap = memory_resize(timers->heap, timers->size * sizeof(struct timer *));
        }
        put(timers, ++timers->count, timer);
        sift_up(timers, timer);
}

struct timer *timers_first(const struct timers *timers)
{
        return timers->count > 0 ? timers->heap[0] : NULL;
}

void timers_deinit(struct timers *timers)
{
        free(timers->heap);
        *timers = (struct timers){ 0 };
}
