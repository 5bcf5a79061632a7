/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DIALOGUE_SCRIPT_H
#define TESTS_DIALOGUE_SCRIPT_H

/* What dialogue.c and dialogue_script.c share, for nobody else: a server, and its connections. */

#include "dialogue.h"

#include <pthread.h>
#include <time.h>

#define FAULT_OCTETS 4096

struct connection {
        struct dialogue *dialogue;
        const struct script *script;
        size_t number;
        pthread_t thread;
        int fd; /* of its thread */
        size_t taken; /* octets of `received` that exchanges have matched; of its thread */
        char *received; /* written by its thread under the dialogue's lock */
        size_t size; /* as `received` */
        size_t capacity; /* of its thread */
        bool ended; /* the dialogue's lock */
};

struct dialogue {
        pthread_mutex_t lock;
        pthread_cond_t changed; /* something that the lock guards */
        int listener;
        int wake; /* readable once `finishing` */
        int port;
        const char *path; /* of a Unix socket; NULL: TCP */
        pthread_t acceptor;
        struct script only; /* the script of dialogue_start() */
        struct connection *connections;
        size_t count;
        size_t accepted; /* lock; the acceptor's threads beyond it are not started */
        unsigned holds; /* lock */
        unsigned releases; /* lock */
        bool finishing; /* lock */
        char fault[FAULT_OCTETS]; /* lock; the first one, or "" */
};

/* The thread of a connection, whose argument it is: follows its script to the end, then closes. */
void *connection_run(void *connection);

/* Appends what was received. */
void connection_keep(struct connection *connection, const char *octets, size_t size);

/* On CLOCK_MONOTONIC. */
struct timespec moment_after_ms(int ms);

/* Ends the process, which can test nothing, with errno's text. */
void dialogue_die(const char *what);

#endif
