/* SPDX-License-Identifier: MIT */
#ifndef OPTIONS_H
#define OPTIONS_H

/*
 * What was asked for, as texts: from the command line and, where that is silent, from the options file; or
 * from a line of a batch and, where that is silent, from these two. Nothing is interpreted here; see
 * option_values.h for that.
 */

#include <postel/error.h>

#include <argp.h>
#include <stdbool.h>

/* Every option of every subcommand; also its key for argp, out of the range of short options. */
enum option_id {
        OPTION_FIRST = 256,
        OPTION_URL = OPTION_FIRST,
        OPTION_HOST,
        OPTION_PORT,
        OPTION_SOCKET,
        OPTION_LMTP,
        OPTION_TLS,
        OPTION_SERVER_NAME,
        OPTION_CA,
        OPTION_CA_DIRECTORY,
        OPTION_SYSTEM_TRUST,
        OPTION_EHLO,
        OPTION_USER,
        OPTION_PASSWORD_FILE,
        OPTION_AUTH,
        OPTION_ALLOW_PLAINTEXT_AUTH,
        OPTION_FROM,
        OPTION_TO,
        OPTION_TO_FILE,
        OPTION_RET,
        OPTION_ENVID,
        OPTION_NOTIFY,
        OPTION_ORCPT,
        OPTION_BODY,
        OPTION_NEWLINES,
        OPTION_MAX_LINE,
        OPTION_SMTPUTF8,
        OPTION_REQUIRE_TLS,
        OPTION_BY,
        OPTION_HOLD_FOR,
        OPTION_HOLD_UNTIL,
        OPTION_MT_PRIORITY,
        OPTION_AUTH_PARAM,
        OPTION_ALL_OR_NONE,
        OPTION_MAIL_PARAM,
        OPTION_RCPT_PARAM,
        OPTION_MAX_RECIPIENTS,
        OPTION_MAX_OCTETS,
        OPTION_TIMEOUT,
        OPTION_PHASE_TIMEOUT,
        OPTION_PIPELINING,
        OPTION_CHUNKING,
        OPTION_POOL,
        OPTION_ORDERED,
        OPTION_TRACE,
        OPTION_JSON,
        OPTION_OPTIONS_FILE,
        OPTION_END
};

#define OPTION_COUNT (OPTION_END - OPTION_FIRST)

/* Groups of --help, in its order. Within a group argp sorts by name. */
enum option_group { GROUP_WHERE = 1, GROUP_WHO, GROUP_WHAT, GROUP_HOW };
#define OPTION_GROUPS 4
#define OPTION_TABLES 6

/* What a subcommand understands. */
struct options_syntax {
        const struct argp_option *tables[OPTION_TABLES + 1]; /* tables of options; NULL ends the list */
        const char *operand; /* what its one operand is called, or NULL without one */
        bool is_operand_optional;
        const char *help;
};

struct option_texts {
        char **texts;
        size_t count;
};

struct options {
        struct argp_option known[OPTION_COUNT + OPTION_GROUPS + 1]; /* of this subcommand, with headings */
        struct option_texts values[OPTION_COUNT];
        const char *operand; /* NULL without one */
        const struct options *defaults; /* NULL; for a line of a batch: the options of the command */
};

/*
 * Reads the command line and the options file into `options`, which begins as zeroes and is freed with
 * options_free() whatever comes. --help and what the command line may not be end the process.
 *
 * Returns 0; EX_USAGE when the file names an unknown option, which has then been said on standard error; else
 * the exit status of the error that it has filled in.
 */
int options_parse(struct options *options, const struct options_syntax *syntax, int argc, char **argv,
        postel_error *error);
void options_free(struct options *options);

/* Adds a value, with a copy of `text`. False when memory ran out. */
bool options_add(struct options *options, enum option_id option, const char *text);

#endif
