/* SPDX-License-Identifier: MIT */
#ifndef SINK_FAULT_H
#define SINK_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum fault_place {
        FAULT_NOWHERE,
        FAULT_AT_CONNECT,
        FAULT_AT_GREETING,
        FAULT_AT_EHLO,
        FAULT_AT_STARTTLS,
        FAULT_AT_HANDSHAKE,
        FAULT_AT_AUTH,
        FAULT_AT_MAIL,
        FAULT_AT_RCPT,
        FAULT_AT_DATA,
        FAULT_AT_BDAT,
        FAULT_AT_BODY,
        FAULT_AT_FINAL,
        FAULT_AT_FINAL_RCPT,
        FAULT_AT_ACCEPTED,
        FAULT_AT_RSET,
        FAULT_AT_NOOP,
        FAULT_AT_VRFY,
        FAULT_AT_EXPN,
        FAULT_AT_HELP,
        FAULT_AT_QUIT,
};

enum fault_kind { FAULT_CLOSE, FAULT_RESET, FAULT_STALL, FAULT_GARBAGE, FAULT_DRIP, FAULT_REPLY };

struct fault {
        enum fault_place place;
        enum fault_kind kind;
        unsigned long nth; /* 0: at every occurrence */
        atomic_ulong *occurred; /* apart from the struct, because the list may move */
        char *reply; /* for FAULT_REPLY */
};

struct faults {
        struct fault *faults;
        size_t count;
};

#define FAULT_GARBAGE_OCTETS 66
#define FAULT_DRIP_NS        50000000 /* between two octets */

/* Octets that are no reply in any reading, and CRLF. */
extern const char fault_garbage[FAULT_GARBAGE_OCTETS + 1];

/* Adds WHERE[#N]=WHAT. NULL, or the rule that the text breaks. */
const char *faults_add(struct faults *faults, const char *text);

/* Counts one occurrence of the place and returns the first fault that applies to it, or NULL. */
const struct fault *faults_at(const struct faults *faults, enum fault_place place);

/* Whether nothing more is said on the connection behind it. */
bool fault_ends(const struct fault *fault);

void faults_clear(struct faults *faults);

#endif
