/* SPDX-License-Identifier: MIT */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

/* A moment on the monotonic clock at which a call gives up. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct deadline {
        int64_t at_ns;
};

/* Now, in nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_ns(void);

struct deadline deadline_after_ms(int ms);
struct deadline deadline_never(void);
struct deadline deadline_earlier(struct deadline a, struct deadline b);
bool deadline_passed(struct deadline deadline);

/* For poll(): milliseconds left, rounded up so that a wait never ends before its time; -1 for never. */
int deadline_poll_ms(struct deadline deadline);

/* For pthread_cond_timedwait() with CLOCK_MONOTONIC. */
struct timespec deadline_timespec(struct deadline deadline);

#endif
