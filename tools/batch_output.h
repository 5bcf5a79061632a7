/* SPDX-License-Identifier: MIT */
#ifndef BATCH_OUTPUT_H
#define BATCH_OUTPUT_H

#include "batch_queue.h"
#include "progress.h"
#include "report.h"

/*
 * The one writer of a batch: a thread, so that neither a session nor the reader of lines waits for whoever
 * reads the reports. It also draws the progress, so that the two never mix on a terminal.
 */
struct batch_output {
        pthread_mutex_t lock; /* guards what follows, up to the thread */
        pthread_cond_t changed;
        struct batch_job *first, *last; /* to be written */
        struct batch_job *
                *slots; /* ordered: done before those in front of them, by number modulo slot_count */
        size_t slot_count; /* 0: in order of completion */
        unsigned long long next_number;
        struct batch_job *writing; /* with the thread, linked by `next` */
        bool is_closing;
        bool is_lost; /* a report could not be written, and no other was tried */
        /* What became of all jobs so far. */
        bool has_accepted, has_unknown, has_temporary;
        unsigned long long first_failure; /* its number */
        int first_failure_exit; /* 0: none */

        pthread_t thread;
        struct batch_queue *queue;
        struct progress progress; /* the thread's */
        bool is_json;
        bool shares_terminal; /* with the progress */
        void (*lost)(void *user_data); /* called once, by the thread, when a report cannot be written */
        void *user_data;
};

/*
 * The members below the thread are set before. `slot_count`: as many jobs as can be admitted, for reports in
 * order; 0 for reports in order of completion. False when no thread or no memory can be had.
 */
bool batch_output_start(struct batch_output *output, size_t slot_count);

/* A job is done: `account` says how. Takes over one of the two owners' parts in it. Never waits for the
 * writing. */
void batch_output_add(struct batch_output *output, struct batch_job *job, struct account *account);

/* Waits until everything is written. Call only when nothing will be added. */
void batch_output_finish(struct batch_output *output);

/*
 * Writes what is done and was not written yet, in whatever order, if that can be done without waiting. For a
 * process that is about to end.
 */
void batch_output_last_words(struct batch_output *output);

/* The exit status that all jobs together have. */
int batch_output_exit(const struct batch_output *output);

#endif
