/* SPDX-License-Identifier: MIT */
/*
 * Locks over POSIX threads. A failing mutex call means corrupted memory or a broken program: there is nothing
 * to report to a caller, and so it is asserted.
 */

#include "base/lock.h"

#include <assert.h>
#include <errno.h>

static void must(int result)
{
        assert(result == 0);
        (void)result;
}

void lock_init(struct lock *lock)
{
        must(pthread_mutex_init(&lock->mutex, NULL));
}

void lock_deinit(struct lock *lock)
{
        must(pthread_mutex_destroy(&lock->mutex));
}

void lock_take(struct lock *lock) NO_LOCK_ANALYSIS
{
        must(pthread_mutex_lock(&lock->mutex));
}

void lock_give(struct lock *lock) NO_LOCK_ANALYSIS
{
        must(pthread_mutex_unlock(&lock->mutex));
}

void condition_init(struct condition *condition)
{
        pthread_condattr_t attributes;

        must(pthread_condattr_init(&attributes));
        must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
        must(pthread_cond_init(&condition->condition, &attributes));
        must(pthread_condattr_destroy(&attributes));
}

void condition_deinit(struct condition *condition)
{
        must(pthread_cond_destroy(&condition->condition));
}

bool condition_wait(struct condition *condition, struct lock *lock, struct deadline deadline)
{
        struct timespec at = deadline_timespec(deadline);
        int result = pthread_cond_timedwait(&condition->condition, &lock->mutex, &at);

        assert(result == 0 || result == ETIMEDOUT);
        return result == 0;
}

void condition_wake(struct condition *condition)
{
        must(pthread_cond_signal(&condition->condition));
}

void condition_wake_all(struct condition *condition)
{
        must(pthread_cond_broadcast(&condition->condition));
}

void gate_init(struct gate *gate)
{
        lock_init(&gate->lock);
        condition_init(&gate->opened);
        gate->held = false;
}

void gate_deinit(struct gate *gate)
{
        condition_deinit(&gate->opened);
        lock_deinit(&gate->lock);
}

bool gate_enter(struct gate *gate, struct deadline deadline) NO_LOCK_ANALYSIS
{
        bool in_time = true;

        lock_take(&gate->lock);
        while (gate->held && in_time)
                in_time = condition_wait(&gate->opened, &gate->lock, deadline);
        /* Whoever was woken at the very deadline must not leave the gate open and the next one asleep. */
        bool entered = !gate->held;
        gate->held = true;
        lock_give(&gate->lock);
        return entered;
}

void gate_leave(struct gate *gate) NO_LOCK_ANALYSIS
{
        lock_take(&gate->lock);
        gate->held = false;
        condition_wake(&gate->opened);
        lock_give(&gate->lock);
}
