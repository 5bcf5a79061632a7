/* SPDX-License-Identifier: MIT */
#ifndef BATCH_JOB_H
#define BATCH_JOB_H

#include "mail.h"

#include <jansson.h>
#include <stdint.h>

/* One line of a batch: a message, and what became of it. */
struct batch_job {
        struct batch_job *next; /* in the list that it is in */
        int owners; /* see batch_queue_release() */
        size_t octets; /* of the line: of its memory, nearly, and of the input */
        unsigned long long number; /* 0 for the first job, then 1, 2 … */
        unsigned long long line;
        json_t *id; /* NULL for none */
        struct mail mail;
        json_t *content; /* a string that the message borrows, or NULL */
        unsigned char *octets_of_content; /* or this */
        int64_t started_ms;
        postel_status status;
        char *report; /* NULL when it did not fit into memory */
};

struct batch_job *batch_job_new(void);
void batch_job_free(struct batch_job *job);

/*
 * Fills in the job from a line: as much as can be read even if something is wrong. `defaults` are the options
 * of the command, and `default_recipients` those of a line without "to".
 */
postel_status batch_job_parse(struct batch_job *job, const char *text, size_t size,
        const struct options *defaults, const struct mail *default_recipients, postel_error *error);

#endif
