/* SPDX-License-Identifier: MIT */
/* What an envelope may hold: RFC 5321 section 4.1.2, RFC 3461 section 4. It checks what the caller said, and
 * knows neither the message nor what the server offers. */

#include "wire/envelope.h"
#include "base/status.h"
#include "wire/address.h"
#include "wire/octet.h"
#include "wire/xtext.h"

#include <string.h>

#define NOTIFY_ALL \
        (unsigned)(POSTEL_NOTIFY_SUCCESS | POSTEL_NOTIFY_FAILURE | POSTEL_NOTIFY_DELAY | POSTEL_NOTIFY_NEVER)

/* What is shown of a text that is refused: enough to find it. */
#define SHOWN_OCTETS 64

static bool is_printable_text(const char *text)
{
        for (; *text; text++)
                if (!octet_is_printable(*text))
                        return false;
        return true;
}

static const char *envid_fault(const char *envid)
{
        if (!*envid)
                return "is empty";
        if (!is_printable_text(envid))
                return "has octets that are not printable ASCII";
        return strlen(envid) > ENVID_MAX_OCTETS ? "is longer than 100 octets" : NULL;
}

static const char *orcpt_fault(const char *orcpt)
{
        if (!is_printable_text(orcpt))
                return "has octets that are not printable ASCII";

        /* An atom may have "=", an ESMTP value may not (RFC 5321 section 4.1.2). */
        const char *at = orcpt;
        while (octet_is_atext(*at) && *at != '=')
                at++;
        if (*at != ';' || at == orcpt)
                return "does not begin with an address type and a semicolon";
        if (!at[1])
                return "has no address behind its type";
        return xtext_size(at + 1) > (size_t)(ORCPT_MAX_OCTETS - (at + 1 - orcpt))
                       ? "is longer than 500 octets when encoded"
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

static postel_status invalid(postel_error *error, const char *field, const char *fault)
{
        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "%s: %s", field, fault);
}

static postel_status check_sender(const char *from, postel_error *error)
{
        if (!from)
                return invalid(error, "from", "is NULL");
        const char *fault = *from ? address_fault(from) : NULL;
        if (fault)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "from: %s (\"%.*s\")", fault,
                        SHOWN_OCTETS, from);
        return POSTEL_OK;
}

static postel_status check_recipient(const struct envelope *envelope, size_t index, postel_error *error)
{
        const char *to = envelope->to[index];
        const char *fault = to ? address_fault(to) : "is NULL";
        if (fault && to && *to)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "to %zu: %s (\"%.*s\")", index + 1,
                        fault, SHOWN_OCTETS, to);
        if (fault)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "to %zu: %s", index + 1, fault);
        if (!envelope->parameters)
                return POSTEL_OK;

        const struct recipient_parameters *parameters = &envelope->parameters[index];
        const char *field = "notify";
        fault = notify_fault(parameters->notify);
        if (!fault && parameters->orcpt) {
                field = "orcpt";
                fault = orcpt_fault(parameters->orcpt);
        }
        if (fault)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "%s of to %zu: %s", field,
                        index + 1, fault);
        return POSTEL_OK;
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

        const char *fault = envelope->envid ? envid_fault(envelope->envid) : NULL;
        if (fault)
                return invalid(error, "envid", fault);
        /* Through int: a caller may have put any number into the enum. */
        if ((int)envelope->ret < POSTEL_RET_UNSET || (int)envelope->ret > POSTEL_RET_HDRS)
                return invalid(error, "ret", "is no POSTEL_RET_ value");
        if ((int)envelope->body < POSTEL_BODY_AUTO || (int)envelope->body > POSTEL_BODY_8BITMIME)
                return invalid(error, "body", "is no POSTEL_BODY_ value");
        return POSTEL_OK;
}

static bool needs_dsn(const struct envelope *envelope)
{
        if (envelope->ret != POSTEL_RET_UNSET || envelope->envid)
                return true;
        for (size_t i = 0; envelope->parameters && i < envelope->to_count; i++)
                if (envelope->parameters[i].notify || envelope->parameters[i].orcpt)
                        return true;
        return false;
}

postel_status envelope_check_offer(
        const struct envelope *envelope, const struct ehlo *ehlo, bool protected, postel_error *error)
{
        (void)protected;
        if (needs_dsn(envelope) && !ehlo_has(ehlo, EXTENSION_DSN))
                return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                        "ret, envid, notify or orcpt: the server does not offer DSN");
        return POSTEL_OK;
}
