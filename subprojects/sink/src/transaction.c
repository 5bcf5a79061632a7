/* SPDX-License-Identifier: MIT */
/* MAIL and RCPT with their parameters (RFC 5321 section 4.1.1). What the parameters mean is in extensions.c.
 */
#include "transaction.h"

#include "address.h"
#include "extensions.h"
#include "server.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *envelope_text(const struct envelope *envelope, size_t position)
{
        return envelope->text.data + position;
}

void transaction_reset(struct transaction *transaction)
{
        struct envelope envelope = transaction->envelope;
        struct content content;

        content_abandon(&transaction->content);
        content = transaction->content;
        envelope.text.used = 0;
        envelope.to_count = 0;
        *transaction = (struct transaction){ .envelope = envelope, .content = content };
}

void transaction_deinit(struct transaction *transaction)
{
        content_deinit(&transaction->content);
        buffer_deinit(&transaction->envelope.text);
        free(transaction->envelope.to);
}

static size_t store(struct envelope *envelope, const char *bytes, size_t count)
{
        size_t position = envelope->text.used;

        buffer_append(&envelope->text, bytes, count);
        buffer_append(&envelope->text, "", 1);
        return position;
}

static bool is_keyword(const char *text, size_t length)
{
        static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

        return length > 0 && *text != '-' && strspn(text, alphanumeric) > 0 && length < 64 &&
               strspn(text, "-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") >= length;
}

static bool is_value(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)text[i] <= ' ' || text[i] == '=' || text[i] == 0x7f)
                        return false;
        return length > 0;
}

static bool is_repeated(const struct envelope *envelope, const struct mailbox *mailbox, const char *keyword)
{
        const char *earlier = envelope_text(envelope, mailbox->parameters);
        size_t length = strlen(keyword);

        for (size_t i = 0; i < mailbox->parameter_count; i++) {
                if (strncasecmp(earlier, keyword, length) == 0 &&
                        (earlier[length] == '=' || earlier[length] == '\0'))
                        return true;
                earlier += strlen(earlier) + 1;
        }
        return false;
}

/* Keeps the parameters exactly as they came. NULL, or the reply that refuses them. */
static const char *read_parameters(
        struct session *session, enum parameter_command command, const char *rest, struct mailbox *mailbox)
{
        struct envelope *envelope = &session->transaction.envelope;

        mailbox->parameters = envelope->text.used;
        while (*rest != '\0') {
                const char *text = rest + 1;
                size_t length = strcspn(text, " "), name = strcspn(text, "= ");
                char keyword[64];
                const char *refusal;
                size_t position;

                if (!is_keyword(text, name) ||
                        (name < length && !is_value(text + name + 1, length - name - 1)))
                        return "501 5.5.4 Syntax of a parameter";
                memcpy(keyword, text, name);
                keyword[name] = '\0';
                if (is_repeated(envelope, mailbox, keyword))
                        return "501 5.5.4 Parameter given twice";
                position = store(envelope, text, length);
                mailbox->parameter_count++;
                refusal = extension_parameter(session, command, keyword,
                        name < length ? envelope_text(envelope, position + name + 1) : NULL);
                if (refusal != NULL)
                        return refusal;
                rest = text + length;
        }
        return NULL;
}

static const char *read_mailbox(struct session *session, enum parameter_command command,
        const char *arguments, struct mailbox *mailbox)
{
        static const char *const prefixes[] = { [PARAMETER_OF_MAIL] = "FROM:", [PARAMETER_OF_RCPT] = "TO:" };
        size_t prefix = strlen(prefixes[command]);
        const char *refusal;
        struct path path;

        if (strncasecmp(arguments, prefixes[command], prefix) != 0 || !path_parse(arguments + prefix, &path))
                return command == PARAMETER_OF_MAIL ? "501 5.1.7 Syntax: MAIL FROM:<address> parameters"
                                                    : "501 5.1.3 Syntax: RCPT TO:<address> parameters";
        if (command == PARAMETER_OF_RCPT && path.length == 0)
                return "501 5.1.3 The null path cannot receive";
        mailbox->address = store(&session->transaction.envelope, path.address, path.length);
        refusal = read_parameters(session, command, path.rest, mailbox);
        if (refusal == NULL && !path.is_ascii && !session->transaction.smtputf8)
                return "553 5.6.7 Address needs SMTPUTF8";
        return refusal;
}

/* A configured reply of class 2 accepts. Returns whether the address was accepted. */
static bool judge(struct session *session, const char *refusal, unsigned style, const char *configured,
        const char *accepted)
{
        if (refusal != NULL)
                session_reply(session, refusal, style);
        else if (configured != NULL)
                session_reply(session, configured, REPLY_PADDED | REPLY_CONFIGURED);
        else
                session_reply(session, accepted, REPLY_PADDED);
        return refusal == NULL && (configured == NULL || configured[0] == '2');
}

static const char *mail_objection(struct session *session)
{
        const struct settings *settings = &session->server->settings;

        if (settings->limits.mail_max > 0 && session->mails > settings->limits.mail_max) {
                session->action = ACTION_CLOSE;
                return "421 4.5.3 Too many transactions on this connection";
        }
        if (session->helo == NULL)
                return "503 5.5.1 EHLO, HELO or LHLO first";
        if (session->transaction.open)
                return "503 5.5.1 A transaction is open";
        if (settings->require_auth && session->user == NULL)
                return "530 5.7.0 Authentication required";
        if (settings->max_messages > 0 && session->messages >= settings->max_messages) {
                session->action = ACTION_CLOSE;
                return "421 4.7.0 Too many messages on this connection";
        }
        return NULL;
}

void transaction_mail(struct session *session, char *arguments)
{
        struct transaction *transaction = &session->transaction;
        const struct rules *rules = &session->server->settings.refuse_mail;
        struct mailbox from = { 0 };
        const char *refusal, *configured = NULL;

        session->mails++;
        refusal = mail_objection(session);
        if (refusal != NULL) {
                session_reply(session, refusal, REPLY_PADDED);
                return;
        }
        refusal = read_mailbox(session, PARAMETER_OF_MAIL, arguments, &from);
        if (refusal == NULL)
                configured = rules_match(rules, envelope_text(&transaction->envelope, from.address));
        if (!judge(session, refusal, REPLY_PADDED, configured, "250 2.1.0 Sender OK")) {
                transaction_reset(transaction);
                return;
        }
        transaction->envelope.from = from;
        transaction->open = true;
        stats_add(&session->server->stats.transactions, 1);
}

static void add_recipient(struct envelope *envelope, const struct mailbox *mailbox)
{
        if (envelope->to_count == envelope->to_size) {
                envelope->to_size = envelope->to_size > 0 ? envelope->to_size * 2 : 4;
                envelope->to = memory_resize(envelope->to, envelope->to_size * sizeof *envelope->to);
        }
        envelope->to[envelope->to_count++] = *mailbox;
}

static const char *domain_of(const char *address)
{
        const char *at = strrchr(address, '@');

        return at != NULL ? at + 1 : "";
}

static bool is_new_domain(const struct envelope *envelope, const struct mailbox *mailbox)
{
        const char *domain = domain_of(envelope_text(envelope, mailbox->address));

        for (size_t i = 0; i < envelope->to_count; i++)
                if (strcasecmp(domain_of(envelope_text(envelope, envelope->to[i].address)), domain) == 0)
                        return false;
        return true;
}

/* NULL, or the reply to a recipient too many. */
static const char *rcpt_limit(const struct session *session, bool new_domain, unsigned *style)
{
        const struct transaction *transaction = &session->transaction;
        const struct settings *settings = &session->server->settings;
        const struct limits *limits = &settings->limits;
        int64_t count = (int64_t)transaction->envelope.to_count;

        if (settings->max_recipients > 0 && count >= settings->max_recipients) {
                if (settings->max_recipients_reply == NULL)
                        return "452 4.5.3 Too many recipients";
                *style |= REPLY_CONFIGURED;
                return settings->max_recipients_reply;
        }
        if (limits->rcpt_max > 0 && count >= limits->rcpt_max)
                return "452 4.5.3 Too many recipients";
        if (limits->rcpt_domain_max > 0 && new_domain && transaction->domain_count >= limits->rcpt_domain_max)
                return "452 4.5.3 Too many domains";
        return NULL;
}

void transaction_rcpt(struct session *session, char *arguments)
{
        struct envelope *envelope = &session->transaction.envelope;
        const struct settings *settings = &session->server->settings;
        size_t before = envelope->text.used;
        struct mailbox to = { 0 };
        const char *refusal, *configured = NULL;
        unsigned style = REPLY_PADDED;
        bool new_domain = false;

        if (!session->transaction.open || session->transaction.chunked) {
                session_reply(session, "503 5.5.1 MAIL first", REPLY_PADDED);
                return;
        }
        refusal = read_mailbox(session, PARAMETER_OF_RCPT, arguments, &to);
        if (refusal == NULL) {
                new_domain = settings->limits.rcpt_domain_max > 0 && is_new_domain(envelope, &to);
                refusal = rcpt_limit(session, new_domain, &style);
        }
        if (refusal == NULL)
                configured = rules_match(&settings->refuse_rcpt, envelope_text(envelope, to.address));
        if (judge(session, refusal, style, configured, "250 2.1.5 Recipient OK")) {
                session->transaction.domain_count += new_domain;
                add_recipient(envelope, &to);
                stats_add(&session->server->stats.recipients_accepted, 1);
        } else {
                envelope->text.used = before;
                stats_add(&session->server->stats.recipients_refused, 1);
        }
}
