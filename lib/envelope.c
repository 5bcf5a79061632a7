/* SPDX-License-Identifier: MIT */
/* Envelopes as callers build them. Nothing is judged here: wire/envelope.c does, for every way in. */

#include "envelope.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

struct postel_envelope {
        char *from;
        char *envid;
        char **to;
        struct recipient_parameters *parameters; /* one for each of `to`; owns orcpt */
        size_t count, capacity;
        int ret, body;
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

void postel_envelope_free(postel_envelope **envelope)
{
        if (!envelope || !*envelope)
                return;
        for (size_t i = 0; i < (*envelope)->count; i++) {
                free((*envelope)->to[i]);
                free((char *)(*envelope)->parameters[i].orcpt);
        }
        free((*envelope)->to);
        free((*envelope)->parameters);
        free((*envelope)->envid);
        free((*envelope)->from);
        free(*envelope);
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

size_t postel_envelope_add_recipient(postel_envelope *envelope, const char *address)
{
        if (!envelope)
                return 0;
        if (!grow(envelope)) {
                envelope->out_of_memory = true;
                return envelope->count;
        }
        char *copy = address ? strdup(address) : NULL;
        if (address && !copy)
                envelope->out_of_memory = true;
        envelope->to[envelope->count] = copy;
        envelope->parameters[envelope->count] = (struct recipient_parameters){ 0 };
        return envelope->count++;
}

size_t postel_envelope_recipient_count(const postel_envelope *envelope)
{
        return envelope ? envelope->count : 0;
}

void postel_envelope_set_ret(postel_envelope *envelope, postel_ret ret)
{
        if (envelope)
                envelope->ret = (int)ret;
}

void postel_envelope_set_body(postel_envelope *envelope, postel_body body)
{
        if (envelope)
                envelope->body = (int)body;
}

void postel_envelope_set_envid(postel_envelope *envelope, const char *envid)
{
        char *copy = envelope && envid ? strdup(envid) : NULL;

        if (!envelope)
                return;
        if (envid && !copy)
                envelope->out_of_memory = true;
        free(envelope->envid);
        envelope->envid = copy;
}

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
        char *copy = orcpt ? strdup(orcpt) : NULL;
        if (orcpt && !copy)
                envelope->out_of_memory = true;
        free((char *)parameters->orcpt);
        parameters->orcpt = copy;
}

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
        };
        return envelope_check(view, error);
}

postel_status postel_envelope_check(const postel_envelope *envelope, postel_error *error)
{
        struct envelope view;

        return envelope_view(envelope, &view, error);
}
