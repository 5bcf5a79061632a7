/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

/*
 * Locks that clang's thread-safety analysis knows. A lock is held for a few instructions and never over I/O;
 * a gate is held for a whole call and can therefore be waited for with a deadline.
 */

#include "base/deadline.h"

#include <pthread.h>
#include <stdbool.h>

#if defined(__clang__)
#define LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LOCK_ATTRIBUTE(x)
#endif

#define CAPABILITY(name)          LOCK_ATTRIBUTE(capability(name))
#define ACQUIRES(lock)            LOCK_ATTRIBUTE(acquire_capability(lock))
#define TRY_ACQUIRES(value, lock) LOCK_ATTRIBUTE(try_acquire_capability(value, lock))
#define RELEASES(lock)            LOCK_ATTRIBUTE(release_capability(lock))
#define REQUIRES(lock)            LOCK_ATTRIBUTE(requires_capability(lock))
#define NO_LOCK_ANALYSIS          LOCK_ATTRIBUTE(no_thread_safety_analysis)

struct CAPABILITY("lock") lock {
        pthread_mutex_t mutex;
};

/* What a thread sleeps on while it gives a lock away; waits by CLOCK_MONOTONIC. */
struct condition {
        pthread_cond_t condition;
};

struct CAPABILITY("gate") gate {
        struct lock lock;
        struct condition opened;
        bool held; /* guarded by lock */
};

void lock_init(struct lock *lock);
void lock_deinit(struct lock *lock);
void lock_take(struct lock *lock) ACQUIRES(lock);
void lock_give(struct lock *lock) RELEASES(lock);

void condition_init(struct condition *condition);
void condition_deinit(struct condition *condition);

/* Sleeps until woken or the deadline; may also wake for no reason. False: the deadline has passed. */
bool condition_wait(struct condition *condition, struct lock *lock, struct deadline deadline) REQUIRES(lock);
void condition_wake(struct condition *condition); /* one sleeper */
void condition_wake_all(struct condition *condition); /* all of them */

void gate_init(struct gate *gate);
void gate_deinit(struct gate *gate);

/* False: another call held it until the deadline. */
bool gate_enter(struct gate *gate, struct deadline deadline) TRY_ACQUIRES(true, gate);
void gate_leave(struct gate *gate) RELEASES(gate);

#endif
