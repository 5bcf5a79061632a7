/* SPDX-License-Identifier: MIT */
/*
 * MAIL and RCPT with what the RFC of each extension adds to them, as octets; declared in wire/command.h. As
 * there, no earlier check is trusted.
 */

#include "wire/command.h"
#include "wire/address.h"
#include "wire/line.h"
#include "wire/octet.h"
#include "wire/parameter.h"
#include "wire/text.h"
#include "wire/xtext.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct subject {
        const struct envelope *envelope;
        const struct mail_parameters *mail; /* of MAIL only */
        const struct recipient_parameters *recipient; /* of RCPT only */
};

/* What an extension adds to a command. */
struct addition {
        size_t allowance; /* the octets by which its RFC makes the line longer */
        bool (*is_present)(const struct subject *subject);
        void (*write)(struct line *line, const struct subject *subject);
};

static void add_additions(
        struct line *line, const struct addition *rows, size_t count, const struct subject *subject)
{
        for (size_t i = 0; i < count; i++) {
                if (!rows[i].is_present(subject))
                        continue;
                line->max += rows[i].allowance;
                rows[i].write(line, subject);
        }
}

/* `fault`: what its grammar says. */
static void add_path(struct line *line, const char *field, const char *path, const char *fault)
{
        if (!fault && !line->utf8 && address_needs_smtputf8(path))
                fault = "has a local part that is not ASCII, which needs SMTPUTF8";
        if (line_may_add(line, field, fault))
                line_check(line, address_append(line->out, path));
}

static void add_others(
        struct line *line, const char *field, const struct esmtp_parameter *others, size_t count)
{
        size_t number;

        line_may_add(line, field, parameters_fault(others, count, line->utf8, &number));
        for (size_t i = 0; i < count; i++) {
                line_add_text(line, " ");
                line_add_text(line, others[i].keyword);
                if (others[i].value) {
                        line_add_text(line, "=");
                        line_add_text(line, others[i].value);
                }
        }
}

/* ---- MAIL ---- */

static bool has_size(const struct subject *subject)
{
        return subject->mail->has_size;
}

static void add_size(struct line *line, const struct subject *subject)
{
        line_add_text(line, " SIZE=");
        line_add_unsigned(line, subject->mail->size);
}

static bool has_body(const struct subject *subject)
{
        return subject->mail->body;
}

static void add_body(struct line *line, const struct subject *subject)
{
        line_add_text(line, " BODY=");
        line_add_word(line, "body", subject->mail->body);
}

static bool has_smtputf8(const struct subject *subject)
{
        return subject->mail->smtputf8;
}

static void add_smtputf8(struct line *line, const struct subject *subject)
{
        (void)subject;
        line_add_text(line, " SMTPUTF8");
}

static bool has_auth(const struct subject *subject)
{
        return subject->envelope->auth;
}

/* The address as it would stand in a path, then that as xtext. */
static void add_auth(struct line *line, const struct subject *subject)
{
        const char *auth = subject->envelope->auth;
        struct line address = *line;
        struct buffer path;

        line_add_text(line, " AUTH=");
        if (!*auth) {
                line_add_text(line, "<>");
                return;
        }
        buffer_init(&path, ADDRESS_MAX_OCTETS + 1);
        address.out = &path;
        add_path(&address, "auth", auth, address_fault(auth));
        line->status = address.status;
        if (line->status == POSTEL_OK)
                line_check(line, buffer_append(&path, "", 1) && xtext_append(line->out, path.data));
        buffer_deinit(&path);
}

static bool has_dsn_of_mail(const struct subject *subject)
{
        return (int)subject->envelope->ret != POSTEL_RET_UNSET || subject->envelope->envid;
}

static void add_ret(struct line *line, postel_ret ret)
{
        switch (ret) {
        case POSTEL_RET_UNSET:
                return;
        case POSTEL_RET_FULL:
                line_add_text(line, " RET=FULL");
                return;
        case POSTEL_RET_HDRS:
                line_add_text(line, " RET=HDRS");
                return;
        }
        line_fail(line, "ret", "is no POSTEL_RET_ value");
}

static void add_dsn_of_mail(struct line *line, const struct subject *subject)
{
        add_ret(line, subject->envelope->ret);
        if (!subject->envelope->envid)
                return;
        line_add_text(line, " ENVID=");
        line_add_xtext(line, "envid", subject->envelope->envid);
}

static bool has_by(const struct subject *subject)
{
        return (int)subject->envelope->by != POSTEL_BY_NONE;
}

static void add_by(struct line *line, const struct subject *subject)
{
        const struct envelope *envelope = subject->envelope;

        if ((int)envelope->by != POSTEL_BY_RETURN && (int)envelope->by != POSTEL_BY_NOTIFY)
                line_fail(line, "by", "is no POSTEL_BY_ value");
        line_add_text(line, " BY=");
        line_add_number(line, envelope->by_seconds);
        line_add_text(line, envelope->by == POSTEL_BY_RETURN ? ";R" : ";N");
        line_add_text(line, envelope->by_trace ? "T" : "");
}

static bool has_hold(const struct subject *subject)
{
        return subject->envelope->hold_for || subject->envelope->hold_until;
}

static void add_hold(struct line *line, const struct subject *subject)
{
        const struct envelope *envelope = subject->envelope;

        if (envelope->hold_for) {
                line_add_text(line, " HOLDFOR=");
                line_add_number(line, envelope->hold_for);
        }
        if (envelope->hold_until) {
                line_add_text(line, " HOLDUNTIL=");
                line_add_word(line, "hold_until", envelope->hold_until);
        }
}

static bool has_priority(const struct subject *subject)
{
        return subject->envelope->has_priority;
}

static void add_priority(struct line *line, const struct subject *subject)
{
        line_add_text(line, " MT-PRIORITY=");
        line_add_number(line, subject->envelope->priority);
}

static bool has_require_tls(const struct subject *subject)
{
        return subject->envelope->require_tls;
}

static void add_require_tls(struct line *line, const struct subject *subject)
{
        (void)subject;
        line_add_text(line, " REQUIRETLS");
}

static bool has_others_of_mail(const struct subject *subject)
{
        return subject->envelope->other_count;
}

static void add_others_of_mail(struct line *line, const struct subject *subject)
{
        add_others(
                line, "parameters of the message", subject->envelope->others, subject->envelope->other_count);
}

static const struct addition of_mail[] = {
        { 26, has_size, add_size }, /* RFC 1870 section 3 */
        { 17, has_body, add_body }, /* RFC 6152 section 2; RFC 3030 counts on it too */
        { 10, has_smtputf8, add_smtputf8 }, /* RFC 6531 section 3.1 */
        { 500, has_auth, add_auth }, /* RFC 4954 section 3 */
        /* RFC 3461 names no number for a line: its longest parameter is of 500. */
        { 500, has_dsn_of_mail, add_dsn_of_mail },
        { 17, has_by, add_by }, /* RFC 2852 section 2 */
        { 34, has_hold, add_hold }, /* RFC 4865 section 3 */
        { 15, has_priority, add_priority }, /* RFC 6710 section 3 */
        { 11, has_require_tls, add_require_tls }, /* RFC 8689 section 2 */
        { OTHERS_MAX_OCTETS, has_others_of_mail, add_others_of_mail },
};

postel_status command_mail(struct buffer *out, const struct envelope *envelope,
        const struct mail_parameters *parameters, postel_error *error)
{
        static const struct mail_parameters none = { 0 };
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, "MAIL", error);
        struct subject subject = { .envelope = envelope, .mail = parameters ? parameters : &none };
        const char *from = envelope->from;

        line.utf8 = subject.mail->smtputf8;
        line_add_text(&line, " FROM:<");
        add_path(&line, "from", from, *from ? address_fault(from) : NULL);
        line_add_text(&line, ">");
        add_additions(&line, of_mail, COUNT(of_mail), &subject);
        return line_end(&line);
}

/* ---- RCPT ---- */

static void add_notify(struct line *line, unsigned notify)
{
        static const struct {
                unsigned bit;
                const char *name;
        } rows[] = {
                { POSTEL_NOTIFY_SUCCESS, "SUCCESS" },
                { POSTEL_NOTIFY_FAILURE, "FAILURE" },
                { POSTEL_NOTIFY_DELAY, "DELAY" },
                { POSTEL_NOTIFY_NEVER, "NEVER" },
        };
        const char *separator = " NOTIFY=";

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (!(notify & rows[i].bit))
                        continue;
                line_add_text(line, separator);
                line_add_text(line, rows[i].name);
                separator = ",";
                notify &= ~rows[i].bit;
        }
        if (notify)
                line_fail(line, "notify", "has a value that is no POSTEL_NOTIFY_ value");
}

static void add_orcpt(struct line *line, const char *orcpt)
{
        bool is_utf8 = octets_equal_in_any_case(orcpt, ORCPT_UTF8_TYPE, strlen(ORCPT_UTF8_TYPE));
        size_t type = strcspn(orcpt, ";");
        const char *fault = is_utf8 ? text_utf8_fault(orcpt) : text_ascii_fault(orcpt, line_not_ascii);

        if (!fault && !orcpt[type])
                fault = "has no semicolon";
        if (!fault && memchr(orcpt, ' ', type))
                fault = "has a space";
        if (!line_may_add(line, "orcpt", fault))
                return;
        type++;
        line_add_text(line, " ORCPT=");
        line_check(line,
                buffer_append(line->out, orcpt, type) && (is_utf8 ? utf8_xtext_append(line->out, orcpt + type)
                                                                  : xtext_append(line->out, orcpt + type)));
}

static bool has_dsn_of_rcpt(const struct subject *subject)
{
        return subject->recipient->notify || subject->recipient->orcpt;
}

static void add_dsn_of_rcpt(struct line *line, const struct subject *subject)
{
        add_notify(line, subject->recipient->notify);
        if (subject->recipient->orcpt)
                add_orcpt(line, subject->recipient->orcpt);
}

static bool has_others_of_rcpt(const struct subject *subject)
{
        return subject->recipient->other_count;
}

static void add_others_of_rcpt(struct line *line, const struct subject *subject)
{
        add_others(line, "parameters of to", subject->recipient->others, subject->recipient->other_count);
}

static const struct addition of_rcpt[] = {
        { 500, has_dsn_of_rcpt, add_dsn_of_rcpt }, /* as with MAIL */
        { OTHERS_MAX_OCTETS, has_others_of_rcpt, add_others_of_rcpt },
};

postel_status command_rcpt(struct buffer *out, const struct envelope *envelope, size_t recipient,
        bool smtputf8, postel_error *error)
{
        struct line line = line_begin(out, COMMAND_MAX_OCTETS, "RCPT", error);
        const char *to = envelope->to[recipient];

        line.utf8 = smtputf8;
        line_add_text(&line, " TO:<");
        add_path(&line, "to", to, forward_path_fault(to));
        line_add_text(&line, ">");
        if (envelope->parameters) {
                struct subject subject = { .envelope = envelope,
                        .recipient = &envelope->parameters[recipient] };
                add_additions(&line, of_rcpt, COUNT(of_rcpt), &subject);
        }
        return line_end(&line);
}
