/* SPDX-License-Identifier: MIT */
/* Which fault happens where. What it does to a connection is session.c's and connection.c's matter. */
#include "fault.h"

#include "buffer.h"
#include "rule.h"

#include <stdlib.h>
#include <string.h>

const char fault_garbage[FAULT_GARBAGE_OCTETS + 1] =
        "\x01\x02\xfe\xff{postel-sink}\x80\x81\x82 \x7f~~~ 2x5 0 "
        "!@#$%^&*()_+|<>?:;'\"[]\\/=`.,-\x90\x91\x92\r\n";

static const char *const place_names[] = {
        [FAULT_AT_CONNECT] = "connect",
        [FAULT_AT_GREETING] = "greeting",
        [FAULT_AT_EHLO] = "ehlo",
        [FAULT_AT_STARTTLS] = "starttls",
        [FAULT_AT_HANDSHAKE] = "handshake",
        [FAULT_AT_AUTH] = "auth",
        [FAULT_AT_MAIL] = "mail",
        [FAULT_AT_RCPT] = "rcpt",
        [FAULT_AT_DATA] = "data",
        [FAULT_AT_BDAT] = "bdat",
        [FAULT_AT_BODY] = "body",
        [FAULT_AT_FINAL] = "final",
        [FAULT_AT_FINAL_RCPT] = "final-rcpt",
        [FAULT_AT_ACCEPTED] = "accepted",
        [FAULT_AT_RSET] = "rset",
        [FAULT_AT_NOOP] = "noop",
        [FAULT_AT_VRFY] = "vrfy",
        [FAULT_AT_EXPN] = "expn",
        [FAULT_AT_HELP] = "help",
        [FAULT_AT_QUIT] = "quit",
};

static const char *const kind_names[] = {
        [FAULT_CLOSE] = "close",
        [FAULT_RESET] = "reset",
        [FAULT_STALL] = "stall",
        [FAULT_GARBAGE] = "garbage",
        [FAULT_DRIP] = "drip",
};

static enum fault_place parse_place(const char *text, size_t length)
{
        for (size_t i = FAULT_NOWHERE + 1; i < sizeof place_names / sizeof *place_names; i++)
                if (strlen(place_names[i]) == length && memcmp(place_names[i], text, length) == 0)
                        return (enum fault_place)i;
        return FAULT_NOWHERE;
}

static const char *parse_what(struct fault *fault, const char *text)
{
        if (strcmp(text, "421") == 0)
                text = "421 4.3.2 fault";
        if (reply_check(text) == NULL) {
                fault->kind = FAULT_REPLY;
                fault->reply = memory_copy(text, strlen(text));
                return NULL;
        }
        for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
                if (strcmp(text, kind_names[i]) != 0)
                        continue;
                fault->kind = (enum fault_kind)i;
                if (fault->kind == FAULT_DRIP &&
                        (fault->place == FAULT_AT_CONNECT || fault->place == FAULT_AT_BODY))
                        return "drip needs a reply, and there is none at connect and body";
                return NULL;
        }
        return "WHAT must be close, reset, stall, garbage, 421, drip or a reply that begins with three "
               "digits";
}

const char *faults_add(struct faults *faults, const char *text)
{
        struct fault fault = { 0 };
        const char *equals = strchr(text, '='), *hash;
        const char *broken;

        if (equals == NULL)
                return "must be WHERE[#N]=WHAT";
        hash = memchr(text, '#', (size_t)(equals - text));
        if (hash != NULL) {
                char *end;

                fault.nth = hash[1] >= '1' && hash[1] <= '9' ? strtoul(hash + 1, &end, 10) : 0;
                if (fault.nth == 0 || end != equals)
                        return "N in WHERE#N=WHAT must be a number from 1";
        }
        fault.place = parse_place(text, (size_t)((hash != NULL ? hash : equals) - text));
        if (fault.place == FAULT_NOWHERE)
                return "WHERE must be connect, greeting, ehlo, starttls, handshake, auth, mail, rcpt, data, "
                       "bdat, "
                       "body, final, final-rcpt, accepted, rset, noop, vrfy, expn, help or quit";
        broken = parse_what(&fault, equals + 1);
        if (broken != NULL)
                return broken;
        fault.occurred = memory_zeroed(sizeof *fault.occurred);
        faults->faults = memory_resize(faults->faults, (faults->count + 1) * sizeof *faults->faults);
        faults->faults[faults->count++] = fault;
        return NULL;
}

const struct fault *faults_at(const struct faults *faults, enum fault_place place)
{
        const struct fault *found = NULL;

        for (size_t i = 0; i < faults->count; i++) {
                const struct fault *fault = &faults->faults[i];
                unsigned long nth;

                if (fault->place != place)
                        continue;
                nth = atomic_fetch_add(fault->occurred, 1) + 1;
                if (found == NULL && (fault->nth == 0 || fault->nth == nth))
                        found = fault;
        }
        return found;
}

bool fault_ends(const struct fault *fault)
{
        return fault->kind == FAULT_CLOSE || fault->kind == FAULT_RESET || fault->kind == FAULT_STALL ||
               (fault->kind == FAULT_REPLY && strncmp(fault->reply, "421", 3) == 0);
}

void faults_clear(struct faults *faults)
{
        for (size_t i = 0; i < faults->count; i++) {
                free(faults->faults[i].occurred);
                free(faults->faults[i].reply);
        }
        free(faults->faults);
        *faults = (struct faults){ 0 };
}
