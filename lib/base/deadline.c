/* SPDX-License-Identifier: MIT */
/* Deadlines are absolute, so that a call of many waits cannot be stretched by any one of them. */

#include "base/deadline.h"

#include <limits.h>

#define NS_PER_MS     1000000
#define NS_PER_SECOND 1000000000

int64_t clock_ns(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

struct deadline deadline_after_ms(int ms)
{
        return (struct deadline){ clock_ns() + (int64_t)ms * NS_PER_MS };
}

struct deadline deadline_never(void)
{
        return (struct deadline){ INT64_MAX };
}

struct deadline deadline_earlier(struct deadline a, struct deadline b)
{
        return a.at_ns < b.at_ns ? a : b;
}

bool deadline_passed(struct deadline deadline)
{
        return deadline.at_ns != INT64_MAX && clock_ns() >= deadline.at_ns;
}

int deadline_poll_ms(struct deadline deadline)
{
        if (deadline.at_ns == INT64_MAX)
                return -1;
        int64_t left = deadline.at_ns - clock_ns();
        if (left <= 0)
                return 0;
        int64_t ms = (left + NS_PER_MS - 1) / NS_PER_MS;
        return ms > INT_MAX ? INT_MAX : (int)ms;
}

struct timespec deadline_timespec(struct deadline deadline)
{
        return (struct timespec){
                .tv_sec = (time_t)(deadline.at_ns / NS_PER_SECOND),
                .tv_nsec = (long)(deadline.at_ns % NS_PER_SECOND),
        };
}
