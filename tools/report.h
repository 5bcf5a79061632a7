/* SPDX-License-Identifier: MIT */
#ifndef REPORT_H
#define REPORT_H

#include <postel/result.h>

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

#define NO_LINE ULLONG_MAX

/* What became of a message, whether or not there is a result. */
struct account {
        postel_status status; /* true in any case */
        const postel_result *result; /* NULL: nothing was begun, or no memory was left for it */
        const postel_error *error; /* of any status but POSTEL_OK, else zeroes */
        char *const *recipients; /* as given */
        size_t recipient_count;
        int ms;
        json_t *id; /* of a line of a batch: a string or a number, NULL for none */
        unsigned long long line; /* its number; 0: the message of `send`; NO_LINE: of the batch as a whole */
};

/* Writes the account to standard output, and in readable form an error to standard error as well. */
void report_account(const struct account *account, bool is_json);

/* The account as a text that ends with LF, for free(). NULL when memory ran out. */
char *report_text(const struct account *account, bool is_json);

/* Writes "postel: STATUS: message" to standard error. */
void report_error(const postel_error *error);

/* Says so when standard output could not be written. The mail is gone all the same: no exit status. */
void report_lost_output(void);

#endif
