/* SPDX-License-Identifier: MIT */
/* The one place that compares what is asked for with what is offered (RFC 5321 section 4.1.1.11 and the RFCs
 * of the extensions). Writes nothing. */

#include "smtp/plan.h"

#include "base/status.h"
#include "wire/address.h"
#include "wire/octet.h"

#include <string.h>

/* Content of up to this size may be on its way before anybody knows whether it is wanted. */
#define RIDE_MAX_OCTETS 262144

/* Of a server that takes more domains in one transaction, no more are counted. */
#define MAX_DOMAINS 64

static postel_status unsupported(postel_error *error, const char *text)
{
        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL, "%s", text);
}

static bool is_binary(const struct delivery *delivery)
{
        return delivery->envelope->body == POSTEL_BODY_BINARYMIME;
}

/* ---- Checking ---- */

static postel_status check_body(
        const struct session *session, const struct delivery *delivery, postel_error *error)
{
        const struct ehlo *ehlo = &session->ehlo;
        const struct content_facts *facts = &delivery->facts;
        bool may_chunk = ehlo_has(ehlo, EXTENSION_CHUNKING);
        postel_chunking chunking = session->options->chunking;

        if (delivery->envelope->body == POSTEL_BODY_7BIT && facts->eight_bit)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "body: is declared as 7BIT, and the message has 8-bit octets");
        if (chunking == POSTEL_CHUNKING_ALWAYS && !may_chunk)
                return unsupported(error, "chunking: the server does not offer CHUNKING");
        if (is_binary(delivery) && (!may_chunk || !ehlo_has(ehlo, EXTENSION_BINARYMIME)))
                return unsupported(error, "body: the server does not offer CHUNKING and BINARYMIME");
        if (is_binary(delivery) && chunking == POSTEL_CHUNKING_NEVER)
                return unsupported(error, "body: BINARYMIME needs BDAT, which the config forbids (chunking)");
        bool needs_eight_bit = delivery->envelope->body == POSTEL_BODY_8BITMIME || facts->eight_bit;
        if (needs_eight_bit && !is_binary(delivery) && !ehlo_has(ehlo, EXTENSION_8BITMIME))
                return unsupported(
                        error, "message: has 8-bit octets, and the server does not offer 8BITMIME");
        if (facts->utf8_header && !ehlo_has(ehlo, EXTENSION_SMTPUTF8))
                return unsupported(error,
                        "message: its header section is not ASCII, and the server does not offer SMTPUTF8");
        return POSTEL_OK;
}

static postel_status check_size(
        const struct session *session, const struct content_facts *facts, postel_error *error)
{
        uint64_t most = session->ehlo.max_size, allowed = session->options->max_octets;

        if (!facts->size_known)
                return POSTEL_OK;
        if (allowed && facts->size > allowed)
                return error_set(error, POSTEL_POLICY, POSTEL_PHASE_NONE,
                        "message: has %llu octets, and the policy allows %llu",
                        (unsigned long long)facts->size, (unsigned long long)allowed);
        if (most && facts->size > most)
                return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                        "message: its %llu octets are more than the %llu that the server takes (SIZE)",
                        (unsigned long long)facts->size, (unsigned long long)most);
        return POSTEL_OK;
}

static size_t most_members(const struct session *session, const struct delivery *delivery)
{
        uint64_t announced = session->ehlo.rcpt_max;

        return announced && announced < delivery->most_members ? (size_t)announced : delivery->most_members;
}

/* ---- Members ---- */

struct domains {
        size_t most; /* 0: any number */
        size_t count;
        const char *names[MAX_DOMAINS];
};

static struct domains domains_of(const struct session *session)
{
        uint64_t most = session->ehlo.rcpt_domain_max;

        return (struct domains){ .most = most > MAX_DOMAINS ? MAX_DOMAINS : (size_t)most };
}

static bool is_same_domain(const char *a, const char *b)
{
        size_t size = strlen(a);

        return size == strlen(b) && octets_equal_in_any_case(a, b, size);
}

static bool domains_have_room(struct domains *domains, const char *address)
{
        const char *domain = domains->most ? address_domain(address) : NULL;

        if (!domain)
                return true;
        for (size_t i = 0; i < domains->count; i++)
                if (is_same_domain(domains->names[i], domain))
                        return true;
        if (domains->count == domains->most)
                return false;
        domains->names[domains->count++] = domain;
        return true;
}

size_t plan_members(const struct session *session, struct delivery *delivery)
{
        struct outcome_log *log = &delivery->log;
        struct domains domains = domains_of(session);
        size_t most = most_members(session, delivery), members = 0;

        outcome_begin_transaction(log);
        for (size_t i = outcome_next(log, PROGRESS_OPEN, 0); i < log->count && members < most;
                i = outcome_next(log, PROGRESS_OPEN, i + 1)) {
                if (!domains_have_room(&domains, delivery->envelope->to[i]))
                        continue;
                outcome_add_member(log, i);
                members++;
        }
        return members;
}

static bool fits_one_transaction(const struct session *session, const struct delivery *delivery)
{
        struct domains domains = domains_of(session);

        if (delivery->log.open > most_members(session, delivery))
                return false;
        for (size_t i = 0; domains.most && i < delivery->envelope->to_count; i++)
                if (!domains_have_room(&domains, delivery->envelope->to[i]))
                        return false;
        return true;
}

static postel_status check_recipients(
        const struct session *session, const struct delivery *delivery, postel_error *error)
{
        if (fits_one_transaction(session, delivery))
                return POSTEL_OK;
        if (delivery->envelope->all_or_none)
                return unsupported(
                        error, "all or none: the server takes fewer recipients in one transaction (LIMITS)");
        if (!source_is_seekable(&delivery->reader))
                return unsupported(error,
                        "to: the server takes fewer recipients in one transaction (LIMITS), and the message "
                        "can be read only once");
        return POSTEL_OK;
}

postel_status plan_check(const struct session *session, const struct delivery *delivery, postel_error *error)
{
        postel_status status = check_body(session, delivery, error);

        if (status == POSTEL_OK)
                status = check_size(session, &delivery->facts, error);
        if (status == POSTEL_OK)
                status = envelope_check_offer(delivery->envelope, &session->ehlo,
                        stream_is_protected(&session->channel.stream), error);
        return status == POSTEL_OK ? check_recipients(session, delivery, error) : status;
}

/* ---- The plan ---- */

static const char *body_parameter(const struct session *session, const struct delivery *delivery)
{
        const struct content_facts *facts = &delivery->facts;
        postel_body body = delivery->envelope->body;

        if (is_binary(delivery))
                return "BINARYMIME";
        if (!ehlo_has(&session->ehlo, EXTENSION_8BITMIME))
                return NULL;
        if (body == POSTEL_BODY_7BIT)
                return "7BIT";
        if (body == POSTEL_BODY_8BITMIME || !facts->looked_at || facts->eight_bit)
                return "8BITMIME";
        return NULL;
}

/*
 * By itself BDAT is chosen where it saves a round trip: for content that may be on its way before the
 * recipients are answered. A server that does not drop a chunk which it has refused takes it for commands;
 * thus no line of it may look like one.
 */
static bool is_light(const struct delivery *delivery)
{
        const struct content_facts *facts = &delivery->facts;

        return facts->looked_at && !facts->like_commands && facts->size <= RIDE_MAX_OCTETS;
}

static bool goes_by_chunks(const struct session *session, const struct delivery *delivery)
{
        const struct session_options *options = session->options;
        postel_chunking chunking = options->chunking;

        if (is_binary(delivery) || chunking == POSTEL_CHUNKING_ALWAYS)
                return true;
        /* With LMTP a refusal of BDAT itself cannot be told from that of the first of several recipients. */
        bool is_plain =
                options->protocol == POSTEL_PROTOCOL_SMTP || delivery->log.open == 1 || session->sender_count;
        return chunking == POSTEL_CHUNKING_AUTO && is_plain && ehlo_has(&session->ehlo, EXTENSION_CHUNKING) &&
               !delivery->by_data && !atomic_load(&options->memory->avoids_chunking) && is_light(delivery);
}

struct transaction_plan plan_transaction(const struct session *session, const struct delivery *delivery)
{
        const struct session_options *options = session->options;
        const char *body = body_parameter(session, delivery);
        bool by_chunks = goes_by_chunks(session, delivery);
        bool pipelining = options->pipelining == POSTEL_PIPELINING_AUTO &&
                          ehlo_has(&session->ehlo, EXTENSION_PIPELINING);

        return (struct transaction_plan){
                .mail = {
                        .has_size = delivery->facts.size_known && ehlo_has(&session->ehlo, EXTENSION_SIZE),
                        .size = delivery->facts.size,
                        .body = body,
                        .smtputf8 = envelope_needs_smtputf8(delivery->envelope) || delivery->facts.utf8_header,
                },
                .pipelining = pipelining,
                .lmtp = options->protocol == POSTEL_PROTOCOL_LMTP,
                .by_chunks = by_chunks,
                .rides = by_chunks && pipelining && is_light(delivery) && !delivery->envelope->all_or_none,
                .eight_bit_allowed = body && strcmp(body, "7BIT") != 0,
                .may_go_back = by_chunks && options->chunking == POSTEL_CHUNKING_AUTO && !is_binary(delivery),
                .max_octets = options->max_octets,
        };
}
