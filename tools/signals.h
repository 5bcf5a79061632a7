/* SPDX-License-Identifier: MIT */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/*
 * SIGINT and SIGTERM while there is work: the first interrupts it, so that what became of the mail can still
 * be told; the second ends the process at once.
 */
struct signal_watch {
        /* Both are set before the start, and called by a thread of the watch. They must not block. */
        void (*interrupt)(void *user_data);
        void (*last_words)(void *user_data); /* just before the process ends; NULL: none */
        void *user_data;
        sigset_t signals;
        pthread_t thread;
        bool running;
};

/* Must come before any other thread is made. False when no thread can be had. */
bool signal_watch_start(struct signal_watch *watch);

/* The signals remain blocked: one that arrives now is late, and must not take the report along. */
void signal_watch_stop(struct signal_watch *watch);

#endif
