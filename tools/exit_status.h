/* SPDX-License-Identifier: MIT */
#ifndef EXIT_STATUS_H
#define EXIT_STATUS_H

#include <postel/error.h>

#include <sysexits.h>

#define EXIT_SOME_ACCEPTED   1
#define EXIT_UNKNOWN_OUTCOME 2

int exit_status(postel_status status);

/* The table in words, for the end of every --help. */
#define EXIT_STATUS_HELP                                                               \
        "Exit status: 0 all accepted, 1 some accepted, 2 unknown outcome, 64 usage,\n" \
        "65 invalid input, 68 host unknown, 69 refused for good or not supported,\n"   \
        "71 out of memory, 74 connection or I/O, 75 refused for now, timeout or\n"     \
        "interrupted, 76 protocol, 77 TLS or login."

#endif
