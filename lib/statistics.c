/* SPDX-License-Identifier: MIT */
/* A pool seen from outside: one snapshot, by value. */

#include "pool.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

struct postel_statistics {
        unsigned long long values[POSTEL_STATISTIC_OPEN + 1];
};

static const char *const names[] = { "sessions_opened", "sessions_reused", "sessions_retired",
        "sessions_lost", "connect_failures", "waits", "wait_timeouts", "retries", "messages", "accepted",
        "rejected", "deferred", "not_sent", "unknown", "round_trips", "keepalives", "peak_sessions", "idle",
        "leased", "dialling", "waiting", "open" };

_Static_assert(sizeof(names) / sizeof(names[0]) == POSTEL_STATISTIC_OPEN + 1, "one name for each statistic");

const char *postel_statistic_name(postel_statistic which)
{
        return (unsigned)which < sizeof(names) / sizeof(names[0]) ? names[which] : NULL;
}

postel_status postel_pool_statistics(postel_pool *pool, postel_statistics **statistics, postel_error *error)
{
        if (!pool || !statistics)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "pool: is missing");
        postel_statistics *made = malloc(sizeof(*made));
        if (!made)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        lock_take(&pool->lock);
        memcpy(made->values, pool->counters, sizeof(made->values));
        made->values[POSTEL_STATISTIC_IDLE] = pool->idle_count + pool->kept;
        made->values[POSTEL_STATISTIC_LEASED] = pool->leased;
        made->values[POSTEL_STATISTIC_DIALLING] = pool->dialling;
        made->values[POSTEL_STATISTIC_WAITING] = pool->waiting;
        made->values[POSTEL_STATISTIC_OPEN] = pool_open_places_locked(pool);
        lock_give(&pool->lock);
        *statistics = made;
        return POSTEL_OK;
}

unsigned long long postel_statistics_get(const postel_statistics *statistics, postel_statistic which)
{
        return statistics && (unsigned)which <= POSTEL_STATISTIC_OPEN ? statistics->values[which] : 0;
}

void postel_statistics_free(postel_statistics **statistics)
{
        if (!statistics)
                return;
        free(*statistics);
        *statistics = NULL;
}
