/* SPDX-License-Identifier: MIT */
/* Whether what an envelope asks for is on offer: what RFC 5321 section 4.1.1.11 and the RFC of each extension
 * want to be looked at before MAIL. The envelope has been checked. */

#include "wire/envelope.h"
#include "base/status.h"
#include "wire/address.h"
#include "wire/date.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool wants_notify(const struct envelope *envelope)
{
        for (size_t i = 0; envelope->parameters && i < envelope->to_count; i++)
                if (envelope->parameters[i].notify)
                        return true;
        return false;
}

static bool wants_orcpt(const struct envelope *envelope)
{
        for (size_t i = 0; envelope->parameters && i < envelope->to_count; i++)
                if (envelope->parameters[i].orcpt)
                        return true;
        return false;
}

static bool wants_ret(const struct envelope *envelope)
{
        return envelope->ret != POSTEL_RET_UNSET;
}

static bool wants_envid(const struct envelope *envelope)
{
        return envelope->envid;
}

static bool wants_auth(const struct envelope *envelope)
{
        return envelope->auth;
}

static bool wants_by(const struct envelope *envelope)
{
        return envelope->by != POSTEL_BY_NONE;
}

static bool wants_hold_for(const struct envelope *envelope)
{
        return envelope->hold_for;
}

static bool wants_hold_until(const struct envelope *envelope)
{
        return envelope->hold_until;
}

static bool wants_priority(const struct envelope *envelope)
{
        return envelope->has_priority;
}

static bool wants_require_tls(const struct envelope *envelope)
{
        return envelope->require_tls;
}

static const struct {
        const char *field;
        bool (*is_wanted)(const struct envelope *envelope);
        enum extension extension;
        const char *keyword;
} rows[] = {
        { "ret", wants_ret, EXTENSION_DSN, "DSN" },
        { "envid", wants_envid, EXTENSION_DSN, "DSN" },
        { "notify", wants_notify, EXTENSION_DSN, "DSN" },
        { "orcpt", wants_orcpt, EXTENSION_DSN, "DSN" },
        { "auth", wants_auth, EXTENSION_AUTH, "AUTH" },
        { "by", wants_by, EXTENSION_DELIVERBY, "DELIVERBY" },
        { "hold_for", wants_hold_for, EXTENSION_FUTURERELEASE, "FUTURERELEASE" },
        { "hold_until", wants_hold_until, EXTENSION_FUTURERELEASE, "FUTURERELEASE" },
        { "mt_priority", wants_priority, EXTENSION_MT_PRIORITY, "MT-PRIORITY" },
        { "require_tls", wants_require_tls, EXTENSION_REQUIRETLS, "REQUIRETLS" },
};

static postel_status check_smtputf8(const struct envelope *envelope, postel_error *error)
{
        static const char fault[] = "the server does not offer SMTPUTF8";
        const char *field = NULL;

        if (envelope->smtputf8)
                field = "smtputf8";
        else if (address_needs_smtputf8(envelope->from))
                field = "from";
        else if (envelope->auth && address_needs_smtputf8(envelope->auth))
                field = "auth";
        if (field)
                return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL, "%s: %s", field, fault);
        for (size_t i = 0; i < envelope->to_count; i++)
                if (address_needs_smtputf8(envelope->to[i]))
                        return error_set(
                                error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL, "to %zu: %s", i + 1, fault);
        return POSTEL_OK;
}

/* The minimum is for "R" alone (RFC 2852 section 3). */
static postel_status check_by(const struct envelope *envelope, const struct ehlo *ehlo, postel_error *error)
{
        uint64_t min = ehlo_limit(ehlo, "DELIVERBY");

        if (envelope->by != POSTEL_BY_RETURN || (uint64_t)envelope->by_seconds >= min)
                return POSTEL_OK;
        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                "by: the server takes no less than %" PRIu64 " seconds for RETURN (DELIVERBY)", min);
}

static postel_status check_hold_for(
        const struct envelope *envelope, const struct ehlo *ehlo, postel_error *error)
{
        uint64_t max = ehlo_limit(ehlo, "FUTURERELEASE");

        if (max == 0 || (uint64_t)envelope->hold_for <= max)
                return POSTEL_OK;
        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                "hold_for: the server holds for no more than %" PRIu64 " seconds (FUTURERELEASE)", max);
}

/* The most remote point in time stands behind the longest interval (RFC 4865 section 3). */
static postel_status check_hold_until(
        const struct envelope *envelope, const struct ehlo *ehlo, postel_error *error)
{
        struct date_time wanted, max;
        size_t size;
        const char *text = ehlo_parameters(ehlo, "FUTURERELEASE", &size);
        const char *space = text ? memchr(text, ' ', size) : NULL;

        if (!envelope->hold_until || !space)
                return POSTEL_OK;
        const char *end = text + size;
        while (space < end && *space == ' ')
                space++;
        const char *last = memchr(space, ' ', (size_t)(end - space));
        size = (size_t)((last ? last : end) - space);
        if (!date_time_parse(space, size, &max) ||
                !date_time_parse(envelope->hold_until, strlen(envelope->hold_until), &wanted) ||
                wanted.microseconds <= max.microseconds)
                return POSTEL_OK;
        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                "hold_until: the server holds until no later than %.*s (FUTURERELEASE)", (int)size, space);
}

/* A server that names no profile does not say which it has (RFC 6710 section 3): there is no default. */
static postel_status check_profile(
        const struct envelope *envelope, const struct ehlo *ehlo, postel_error *error)
{
        const char *profile = envelope->priority_profile;

        if (!envelope->has_priority || !profile || ehlo_names(ehlo, "MT-PRIORITY", profile))
                return POSTEL_OK;
        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                "mt_priority: the server does not offer the profile %s (MT-PRIORITY)", profile);
}

static postel_status (*const limits[])(const struct envelope *, const struct ehlo *, postel_error *) = {
        check_by,
        check_hold_for,
        check_hold_until,
        check_profile,
};

postel_status envelope_check_offer(
        const struct envelope *envelope, const struct ehlo *ehlo, bool protected, postel_error *error)
{
        postel_status status = POSTEL_OK;

        /* Before the offer: a server may not offer it without TLS (RFC 8689 section 2), and this is why. */
        if (envelope->require_tls && !protected)
                return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                        "require_tls: the session is not protected by TLS with a verified certificate");
        for (size_t i = 0; i < COUNT(rows); i++)
                if (!ehlo_has(ehlo, rows[i].extension) && rows[i].is_wanted(envelope))
                        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                                "%s: the server does not offer %s", rows[i].field, rows[i].keyword);
        if (!ehlo_has(ehlo, EXTENSION_SMTPUTF8))
                status = check_smtputf8(envelope, error);
        for (size_t i = 0; status == POSTEL_OK && i < COUNT(limits); i++)
                status = limits[i](envelope, ehlo, error);
        return status;
}

bool envelope_needs_smtputf8(const struct envelope *envelope)
{
        return check_smtputf8(envelope, NULL) != POSTEL_OK;
}
