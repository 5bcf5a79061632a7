/* SPDX-License-Identifier: MIT */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <postel/connection.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/*
 * SIGINT and SIGTERM while a connection is in use: the first interrupts it, so that what became of the
 * message can still be told; the second ends the process at once.
 */
struct signal_watch {
        postel_connection *connection;
        sigset_t signals;
        pthread_t thread;
        bool running;
};

/* Must come before any other thread is made. False when no thread can be had. */
bool signal_watch_start(struct signal_watch *watch, postel_connection *connection);

/* The signals remain blocked: one that arrives now is late, and must not take the report along. */
void signal_watch_stop(struct signal_watch *watch);

#endif
