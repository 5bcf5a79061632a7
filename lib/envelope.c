/* SPDX-License-Identifier: MIT */
/* Envelopes as callers build them. Nothing is judged here: wire/envelope.c does, for every way in. */

#include "envelope.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

struct postel_envelope {
        char *from;
        char **to;
        struct recipient_parameters *parameters; /* one for each of `to`; owns what it points to */
        size_t count, capacity;
        char *envid, *auth, *hold_until, *priority_profile;
        const struct esmtp_parameter *others; /* owns what it points to */
        size_t other_count;
        int ret, body, by; /* any number may arrive in an enum */
        long long by_seconds, hold_for;
        int priority;
        bool all_or_none, smtputf8, by_trace, has_priority, require_tls;
        size_t no_such_recipient; /* 1 + the first index that was used and is none */
        bool out_of_memory;
};

postel_envelope *postel_envelope_new(const char *from)
{
        postel_envelope *envelope = calloc(1, sizeof(*envelope));

        if (!envelope)
                return NULL;
        envelope->from = from ? strdup(from) : NULL;
        envelope->out_of_memory = from && !envelope->from;
        return envelope;
}

static void free_others(const struct esmtp_parameter *others, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                free((char *)others[i].keyword);
                free((char *)others[i].value);
        }
        free((struct esmtp_parameter *)others);
}

void postel_envelope_free(postel_envelope **envelope)
{
        if (!envelope || !*envelope)
                return;
        postel_envelope *old = *envelope;
        for (size_t i = 0; i < old->count; i++) {
                free(old->to[i]);
                free((char *)old->parameters[i].orcpt);
                free_others(old->parameters[i].others, old->parameters[i].other_count);
        }
        free(old->to);
        free(old->parameters);
        free_others(old->others, old->other_count);
        free(old->envid);
        free(old->auth);
        free(old->hold_until);
        free(old->priority_profile);
        free(old->from);
        free(old);
        *envelope = NULL;
}

static bool grow(postel_envelope *envelope)
{
        if (envelope->count < envelope->capacity)
                return true;
        size_t capacity = envelope->capacity ? envelope->capacity * 2 : 4;
        char **to = reallocarray(envelope->to, capacity, sizeof(*to));
        if (!to)
                return false;
        envelope->to = to;
        struct recipient_parameters *parameters =
                reallocarray(envelope->parameters, capacity, sizeof(*parameters));
        if (!parameters)
                return false;
        envelope->parameters = parameters;
        envelope->capacity = capacity;
        return true;
}

/* A copy of `text`, or NULL for NULL. */
static char *copy_of(postel_envelope *envelope, const char *text)
{
        char *copy = text ? strdup(text) : NULL;

        if (text && !copy)
                envelope->out_of_memory = true;
        return copy;
}

static void replace(postel_envelope *envelope, char **field, const char *text)
{
        /* First, since it may be the old one that is given again. */
        char *copy = copy_of(envelope, text);

        free(*field);
        *field = copy;
}

size_t postel_envelope_add_recipient(postel_envelope *envelope, const char *address)
{
        if (!envelope)
                return 0;
        if (!grow(envelope)) {
                envelope->out_of_memory = true;
                return envelope->count;
        }
        envelope->to[envelope->count] = copy_of(envelope, address);
        envelope->parameters[envelope->count] = (struct recipient_parameters){ 0 };
        return envelope->count++;
}

size_t postel_envelope_recipient_count(const postel_envelope *envelope)
{
        return envelope ? envelope->count : 0;
}

/* ---- Of the message ---- */

void postel_envelope_set_all_or_none(postel_envelope *envelope, int all_or_none)
{
        if (envelope)
                envelope->all_or_none = all_or_none;
}

void postel_envelope_set_ret(postel_envelope *envelope, postel_ret ret)
{
        if (envelope)
                envelope->ret = (int)ret;
}

void postel_envelope_set_envid(postel_envelope *envelope, const char *envid)
{
        if (envelope)
                replace(envelope, &envelope->envid, envid);
}

void postel_envelope_set_body(postel_envelope *envelope, postel_body body)
{
        if (envelope)
                envelope->body = (int)body;
}

void postel_envelope_set_smtputf8(postel_envelope *envelope, int smtputf8)
{
        if (envelope)
                envelope->smtputf8 = smtputf8;
}

void postel_envelope_set_auth(postel_envelope *envelope, const char *address)
{
        if (envelope)
                replace(envelope, &envelope->auth, address);
}

void postel_envelope_set_by(postel_envelope *envelope, long long seconds, postel_by mode, int trace)
{
        if (!envelope)
                return;
        envelope->by = (int)mode;
        envelope->by_seconds = seconds;
        envelope->by_trace = trace;
}

void postel_envelope_set_hold_for(postel_envelope *envelope, long long seconds)
{
        if (envelope)
                envelope->hold_for = seconds;
}

void postel_envelope_set_hold_until(postel_envelope *envelope, const char *date_time)
{
        if (envelope)
                replace(envelope, &envelope->hold_until, date_time);
}

void postel_envelope_set_mt_priority(postel_envelope *envelope, int priority, const char *profile)
{
        if (!envelope)
                return;
        envelope->has_priority = true;
        envelope->priority = priority;
        replace(envelope, &envelope->priority_profile, profile);
}

void postel_envelope_set_require_tls(postel_envelope *envelope, int require_tls)
{
        if (envelope)
                envelope->require_tls = require_tls;
}

static void add_parameter(postel_envelope *envelope, const struct esmtp_parameter **others, size_t *count,
        const char *keyword, const char *value)
{
        struct esmtp_parameter *grown =
                reallocarray((struct esmtp_parameter *)*others, *count + 1, sizeof(*grown));

        if (!grown) {
                envelope->out_of_memory = true;
                return;
        }
        *others = grown;
        grown[*count].keyword = copy_of(envelope, keyword);
        grown[*count].value = copy_of(envelope, value);
        ++*count;
}

void postel_envelope_add_mail_parameter(postel_envelope *envelope, const char *keyword, const char *value)
{
        if (envelope)
                add_parameter(envelope, &envelope->others, &envelope->other_count, keyword, value);
}

/* ---- Of a recipient ---- */

static struct recipient_parameters *parameters_of(postel_envelope *envelope, size_t recipient)
{
        if (!envelope)
                return NULL;
        if (recipient < envelope->count)
                return &envelope->parameters[recipient];
        if (!envelope->no_such_recipient)
                envelope->no_such_recipient = recipient + 1;
        return NULL;
}

void postel_envelope_set_notify(postel_envelope *envelope, size_t recipient, unsigned notify)
{
        struct recipient_parameters *parameters = parameters_of(envelope, recipient);

        if (parameters)
                parameters->notify = notify;
}

void postel_envelope_set_orcpt(postel_envelope *envelope, size_t recipient, const char *orcpt)
{
        struct recipient_parameters *parameters = parameters_of(envelope, recipient);

        if (!parameters)
                return;
        char *copy = copy_of(envelope, orcpt);
        free((char *)parameters->orcpt);
        parameters->orcpt = copy;
}

void postel_envelope_add_rcpt_parameter(
        postel_envelope *envelope, size_t recipient, const char *keyword, const char *value)
{
        struct recipient_parameters *parameters = parameters_of(envelope, recipient);

        if (parameters)
                add_parameter(envelope, &parameters->others, &parameters->other_count, keyword, value);
}

/* ---- As the wire layer sees it ---- */

postel_status envelope_view(const postel_envelope *envelope, struct envelope *view, postel_error *error)
{
        if (!envelope)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "envelope: is missing");
        if (envelope->out_of_memory)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        if (envelope->no_such_recipient)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "recipient: there is none of index %zu", envelope->no_such_recipient - 1);
        *view = (struct envelope){
                .from = envelope->from,
                .to = (const char *const *)envelope->to,
                .to_count = envelope->count,
                .parameters = envelope->parameters,
                .ret = (postel_ret)envelope->ret,
                .envid = envelope->envid,
                .body = (postel_body)envelope->body,
                .all_or_none = envelope->all_or_none,
                .smtputf8 = envelope->smtputf8,
                .auth = envelope->auth,
                .by = (postel_by)envelope->by,
                .by_seconds = envelope->by_seconds,
                .by_trace = envelope->by_trace,
                .hold_for = envelope->hold_for,
                .hold_until = envelope->hold_until,
                .has_priority = envelope->has_priority,
                .priority = envelope->priority,
                .priority_profile = envelope->priority_profile,
                .require_tls = envelope->require_tls,
                .others = envelope->others,
                .other_count = envelope->other_count,
        };
        return envelope_check(view, error);
}

postel_status postel_envelope_check(const postel_envelope *envelope, postel_error *error)
{
        struct envelope view;

        return envelope_view(envelope, &view, error);
}
