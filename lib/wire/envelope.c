/* SPDX-License-Identifier: MIT */
/* What an envelope may hold, whoever it is sent to: RFC 5321 section 4.1.2 and the RFC of each extension. It
 * checks what the caller said, and knows neither the message nor what the server offers. */

#include "wire/envelope.h"
#include "base/status.h"
#include "wire/address.h"
#include "wire/date.h"
#include "wire/idn.h"
#include "wire/octet.h"
#include "wire/parameter.h"
#include "wire/text.h"
#include "wire/xtext.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define NOTIFY_ALL \
        (unsigned)(POSTEL_NOTIFY_SUCCESS | POSTEL_NOTIFY_FAILURE | POSTEL_NOTIFY_DELAY | POSTEL_NOTIFY_NEVER)

/* RFC 2852 section 4 and RFC 4865 section 3: nine digits. */
#define SECONDS_MAX 999999999

/* What the 34 octets of RFC 4865 section 3 leave for the value of " HOLDUNTIL=". */
#define HOLD_UNTIL_MAX_OCTETS 23

/* What is shown of a text that is refused: enough to find it. */
#define SHOWN_OCTETS 64

static const char not_printable[] = "has octets that are not printable ASCII";

/* ---- Fields of a recipient ---- */

static const char *orcpt_fault(const char *orcpt)
{
        bool is_utf8 = octets_equal_in_any_case(orcpt, ORCPT_UTF8_TYPE, strlen(ORCPT_UTF8_TYPE));
        const char *fault = is_utf8 ? text_utf8_fault(orcpt) : text_ascii_fault(orcpt, not_printable);
        if (fault)
                return fault;

        /* An atom may have "=", an ESMTP value may not (RFC 5321 section 4.1.2). */
        const char *at = orcpt;
        while (octet_is_atext(*at) && *at != '=')
                at++;
        if (*at != ';' || at == orcpt)
                return "does not begin with an address type and a semicolon";
        at++;
        if (!*at)
                return "has no address behind its type";
        size_t encoded = is_utf8 ? utf8_xtext_size(at) : xtext_size(at);
        return encoded > (size_t)(ORCPT_MAX_OCTETS - (at - orcpt)) ? "is longer than 500 octets when encoded"
                                                                   : NULL;
}

static const char *notify_fault(unsigned notify)
{
        if (notify & ~NOTIFY_ALL)
                return "has a value that is no POSTEL_NOTIFY_ value";
        if (notify & POSTEL_NOTIFY_NEVER && notify != POSTEL_NOTIFY_NEVER)
                return "has NEVER together with other values";
        return NULL;
}

/* ---- Fields of the message ---- */

static const char *ret_fault(const struct envelope *envelope)
{
        /* Through int, here and below: a caller may have put any number into an enum. */
        int ret = (int)envelope->ret;

        return ret < POSTEL_RET_UNSET || ret > POSTEL_RET_HDRS ? "is no POSTEL_RET_ value" : NULL;
}

static const char *envid_fault(const struct envelope *envelope)
{
        const char *envid = envelope->envid;

        if (!envid)
                return NULL;
        if (!*envid)
                return "is empty";
        const char *fault = text_ascii_fault(envid, not_printable);
        if (fault)
                return fault;
        return strlen(envid) > ENVID_MAX_OCTETS ? "is longer than 100 octets" : NULL;
}

static const char *body_fault(const struct envelope *envelope)
{
        int body = (int)envelope->body;

        return body < POSTEL_BODY_AUTO || body > POSTEL_BODY_BINARYMIME ? "is no POSTEL_BODY_ value" : NULL;
}

static const char *auth_fault(const struct envelope *envelope)
{
        return envelope->auth && *envelope->auth ? address_fault(envelope->auth) : NULL;
}

static const char *by_fault(const struct envelope *envelope)
{
        int by = (int)envelope->by;

        if (by < POSTEL_BY_NONE || by > POSTEL_BY_NOTIFY)
                return "is no POSTEL_BY_ value";
        if (by == POSTEL_BY_NONE)
                return NULL;
        if (envelope->by_seconds < -SECONDS_MAX || envelope->by_seconds > SECONDS_MAX)
                return "is not within -999999999 and 999999999 seconds";
        return by == POSTEL_BY_RETURN && envelope->by_seconds <= 0 ? "has RETURN with 0 seconds or less"
                                                                   : NULL;
}

static const char *hold_for_fault(const struct envelope *envelope)
{
        if (envelope->hold_for < 0 || envelope->hold_for > SECONDS_MAX)
                return "is not within 1 and 999999999 seconds";
        return envelope->hold_for && envelope->hold_until ? "stands together with hold_until" : NULL;
}

static const char *hold_until_fault(const struct envelope *envelope)
{
        struct date_time date_time;
        const char *text = envelope->hold_until;

        if (!text)
                return NULL;
        const char *fault = text_ascii_fault(text, not_printable);
        if (fault)
                return fault;
        if (!date_time_parse(text, strlen(text), &date_time))
                return "is no point in time such as 2026-12-24T18:00:00Z";
        if (!date_time.zulu)
                return "is not in UTC as 2026-12-24T18:00:00Z is";
        return strlen(text) > HOLD_UNTIL_MAX_OCTETS ? "has more than two digits of a fraction" : NULL;
}

static const char *mt_priority_fault(const struct envelope *envelope)
{
        const char *profile = envelope->priority_profile;

        if (!envelope->has_priority)
                return NULL;
        if (envelope->priority < -9 || envelope->priority > 9)
                return "is not within -9 and 9";
        for (const char *at = profile; at && *at; at++)
                if (!octet_is_alnum(*at) && *at != '-')
                        return "has a profile that is not of letters, digits and hyphens";
        return profile && !*profile ? "has an empty profile" : NULL;
}

static const struct {
        const char *field;
        const char *(*fault)(const struct envelope *envelope);
} fields[] = {
        { "envid", envid_fault },
        { "ret", ret_fault },
        { "body", body_fault },
        { "auth", auth_fault },
        { "by", by_fault },
        { "hold_for", hold_for_fault },
        { "hold_until", hold_until_fault },
        { "mt_priority", mt_priority_fault },
};

/* ---- All of it ---- */

static postel_status invalid(postel_error *error, const char *field, const char *fault)
{
        postel_status status = fault == idn_no_memory ? POSTEL_MEMORY : POSTEL_INVALID;

        return error_set(error, status, POSTEL_PHASE_NONE, "%s: %s", field, fault);
}

/* The same for an address, which is shown. `to`: the number of a recipient, or 0 for the sender. */
static postel_status invalid_address(postel_error *error, size_t to, const char *fault, const char *address)
{
        postel_status status = fault == idn_no_memory ? POSTEL_MEMORY : POSTEL_INVALID;

        if (!*address)
                return error_set(error, status, POSTEL_PHASE_NONE, "to %zu: %s", to, fault);
        if (to)
                return error_set(error, status, POSTEL_PHASE_NONE, "to %zu: %s (\"%.*s\")", to, fault,
                        SHOWN_OCTETS, address);
        return error_set(
                error, status, POSTEL_PHASE_NONE, "from: %s (\"%.*s\")", fault, SHOWN_OCTETS, address);
}

static postel_status check_sender(const char *from, postel_error *error)
{
        if (!from)
                return invalid(error, "from", "is NULL");
        const char *fault = *from ? address_fault(from) : NULL;
        return fault ? invalid_address(error, 0, fault, from) : POSTEL_OK;
}

static postel_status check_recipient_parameters(
        const struct envelope *envelope, size_t index, postel_error *error)
{
        const struct recipient_parameters *parameters = &envelope->parameters[index];
        const char *field = "notify";
        const char *fault = notify_fault(parameters->notify);
        size_t number;

        if (!fault && parameters->orcpt) {
                field = "orcpt";
                fault = orcpt_fault(parameters->orcpt);
        }
        if (fault)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "%s of to %zu: %s", field,
                        index + 1, fault);
        fault = parameters_fault(parameters->others, parameters->other_count, envelope->smtputf8, &number);
        if (fault && number)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "parameter %zu of to %zu: %s",
                        number, index + 1, fault);
        if (fault)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "parameters of to %zu: %s",
                        index + 1, fault);
        return POSTEL_OK;
}

static postel_status check_recipient(const struct envelope *envelope, size_t index, postel_error *error)
{
        const char *to = envelope->to[index];

        if (!to)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "to %zu: is NULL", index + 1);
        const char *fault = forward_path_fault(to);
        if (fault)
                return invalid_address(error, index + 1, fault, to);
        return envelope->parameters ? check_recipient_parameters(envelope, index, error) : POSTEL_OK;
}

static postel_status check_message_parameters(const struct envelope *envelope, postel_error *error)
{
        size_t number;

        for (size_t i = 0; i < COUNT(fields); i++) {
                const char *fault = fields[i].fault(envelope);
                if (fault)
                        return invalid(error, fields[i].field, fault);
        }
        const char *fault =
                parameters_fault(envelope->others, envelope->other_count, envelope->smtputf8, &number);
        if (fault && number)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "parameter %zu of the message: %s",
                        number, fault);
        return fault ? invalid(error, "parameters of the message", fault) : POSTEL_OK;
}

postel_status envelope_check(const struct envelope *envelope, postel_error *error)
{
        postel_status status = check_sender(envelope->from, error);
        if (status != POSTEL_OK)
                return status;
        if (envelope->to_count == 0)
                return invalid(error, "to", "at least one recipient is needed");
        if (!envelope->to)
                return invalid(error, "to", "is NULL");
        for (size_t i = 0; i < envelope->to_count; i++) {
                status = check_recipient(envelope, i, error);
                if (status != POSTEL_OK)
                        return status;
        }
        return check_message_parameters(envelope, error);
}
