/* SPDX-License-Identifier: MIT */
/* The account of accepted messages, one JSON object a line, that tests compare with what was sent. */
#include "ledger.h"

#include "json.h"
#include "session.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int ledger_open(const char *path)
{
        int ledger = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

        if (ledger < 0)
                perror(path);
        return ledger;
}

static void append_text(struct buffer *line, const char *label, const char *text)
{
        buffer_text(line, label);
        if (text == NULL)
                buffer_text(line, "null");
        else
                json_string(line, text, strlen(text));
}

static void append_parameters(
        struct buffer *line, const struct envelope *envelope, const struct mailbox *mailbox)
{
        const char *parameter = envelope_text(envelope, mailbox->parameters);

        buffer_text(line, "[");
        for (size_t i = 0; i < mailbox->parameter_count; i++) {
                append_text(line, i > 0 ? "," : "", parameter);
                parameter += strlen(parameter) + 1;
        }
        buffer_text(line, "]");
}

static void append_envelope(struct buffer *line, const struct envelope *envelope)
{
        bool any = false;

        append_text(line, ",\"from\":", envelope_text(envelope, envelope->from.address));
        buffer_text(line, ",\"mail_params\":");
        append_parameters(line, envelope, &envelope->from);
        buffer_text(line, ",\"to\":[");
        for (size_t i = 0; i < envelope->to_count; i++) {
                if (envelope->to[i].refused)
                        continue;
                append_text(line, any ? ",{\"address\":" : "{\"address\":",
                        envelope_text(envelope, envelope->to[i].address));
                buffer_text(line, ",\"params\":");
                append_parameters(line, envelope, &envelope->to[i]);
                buffer_text(line, "}");
                any = true;
        }
        buffer_text(line, "]");
}

static void append_hex(struct buffer *line, const unsigned char *octets, size_t count)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < count; i++) {
                const char pair[] = { digits[octets[i] >> 4], digits[octets[i] & 15] };

                buffer_append(line, pair, sizeof pair);
        }
}

bool ledger_write(int ledger, const struct ledger_entry *entry)
{
        const struct session *session = entry->session;
        const struct content *content = &session->transaction.content;
        struct buffer line = { 0 };
        ssize_t written;

        buffer_printf(&line, "{\"n\":%" PRIu64 ",\"session\":%" PRIu64 ",\"protocol\":\"%s\",\"tls\":%s",
                entry->number, session->id, session->lmtp ? "LMTP" : "SMTP",
                session->secure ? "true" : "false");
        append_text(&line, ",\"user\":", session->user);
        append_text(&line, ",\"helo\":", session->helo);
        append_envelope(&line, &session->transaction.envelope);
        buffer_printf(&line, ",\"size\":%" PRIu64 ",\"sha256\":\"", content->size);
        append_hex(&line, entry->digest, SHA256_OCTETS);
        buffer_printf(&line, "\",\"body\":\"%s\",\"bare\":%s}\n", entry->body,
                content->bare > 0 ? "true" : "false");
        written = write(ledger, line.data, line.used);
        if (written != (ssize_t)line.used)
                perror("postel-sink: --ledger");
        buffer_deinit(&line);
        return written >= 0;
}
