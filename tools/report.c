/* SPDX-License-Identifier: MIT */
/*
 * The account of a send. Both forms are made from the same rows, so that they cannot differ: one for the
 * message, one for each recipient.
 */

#include "report.h"

#include "json_output.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* How a message or a recipient fared, and the reply or the fault that says so. */
struct row {
        const char *word; /* the name of the status or the outcome */
        postel_phase phase;
        int code;
        const char *enhanced;
        const char *text;
};

static struct row message_row(const struct account *account)
{
        const postel_result *result = account->result;
        const char *word = postel_status_name(account->status);

        if (!result)
                return (struct row){ word, account->error->phase, account->error->code, "",
                        postel_error_message(account->error) };
        return (struct row){ word, postel_result_phase(result), postel_result_code(result),
                postel_result_enhanced(result), postel_result_text(result) };
}

/* What a status alone says of each recipient. Where it leaves that open, only "unknown" is true. */
static postel_outcome outcome_without_result(postel_status status)
{
        if (status == POSTEL_OK)
                return POSTEL_OUTCOME_ACCEPTED;
        if (status == POSTEL_PARTIAL || status == POSTEL_UNKNOWN)
                return POSTEL_OUTCOME_UNKNOWN;
        return POSTEL_OUTCOME_NOT_SENT;
}

static struct row recipient_row(const struct account *account, size_t i)
{
        const postel_result *result = account->result;

        if (!result) {
                struct row row = message_row(account);
                row.word = postel_outcome_name(outcome_without_result(account->status));
                return row;
        }
        return (struct row){ postel_outcome_name(postel_result_recipient_outcome(result, i)),
                postel_result_recipient_phase(result, i), postel_result_recipient_code(result, i),
                postel_result_recipient_enhanced(result, i), postel_result_recipient_text(result, i) };
}

static json_t *recipients_json(const struct account *account)
{
        json_t *list = json_array();

        for (size_t i = 0; i < account->recipient_count; i++) {
                struct row row = recipient_row(account, i);

                json_append(&list, json_pack("{s:o, s:s, s:s, s:i, s:o, s:o}", "address",
                                           json_text(account->recipients[i]), "outcome", row.word, "phase",
                                           postel_phase_name(row.phase), "code", row.code, "enhanced",
                                           json_text(row.enhanced), "text", json_text(row.text)));
        }
        return list;
}

static json_t *account_json(const struct account *account)
{
        struct row row = message_row(account);
        const char *queue_id = account->result ? postel_result_queue_id(account->result) : "";
        int attempts = account->result ? postel_result_attempts(account->result) : 0;

        return json_pack("{s:n, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:i, s:i}", "id", "status", row.word,
                "phase", postel_phase_name(row.phase), "code", row.code, "enhanced", json_text(row.enhanced),
                "text", json_text(row.text), "queue_id", json_text(queue_id), "recipients",
                recipients_json(account), "attempts", attempts, "ms", account->ms);
}

/* "NOT_SENT" as "not sent". */
static void write_word(const char *word)
{
        for (; *word; word++)
                putchar(*word == '_' ? ' ' : tolower((unsigned char)*word));
}

/* Without the end of the line, and without the enhanced status code: the text of the server begins with it.
 */
static void write_row(const struct row *row)
{
        write_word(row->word);
        if (row->code || *row->text)
                fputs(": ", stdout);
        if (row->code)
                printf("%d ", row->code);
        text_write(stdout, row->text);
}

static void write_recipients(const struct account *account)
{
        for (size_t i = 0; i < account->recipient_count; i++) {
                struct row row = recipient_row(account, i);

                /* Without a result the message's line has said why for all of them. */
                if (!account->result)
                        row = (struct row){ .word = row.word, .text = "" };
                text_write(stdout, account->recipients[i]);
                fputs(": ", stdout);
                write_row(&row);
                putchar('\n');
        }
}

static void write_account(const struct account *account)
{
        struct row row = message_row(account);
        const char *queue_id = account->result ? postel_result_queue_id(account->result) : "";

        if (account->status == POSTEL_OK)
                row.word = postel_outcome_name(POSTEL_OUTCOME_ACCEPTED);
        write_row(&row);
        if (*queue_id) {
                fputs(" (queue id ", stdout);
                text_write(stdout, queue_id);
                putchar(')');
        }
        putchar('\n');
        if (account->status != POSTEL_OK)
                write_recipients(account);
}

void report_account(const struct account *account, bool is_json)
{
        if (is_json) {
                json_write_line(account_json(account));
                return;
        }
        write_account(account);
        fflush(stdout);
        if (account->status != POSTEL_OK)
                report_error(account->error);
}

void report_error(const postel_error *error)
{
        fprintf(stderr, "postel: %s: ", postel_status_name(error->status));
        text_write(stderr, postel_error_message(error));
        fputc('\n', stderr);
}

void report_lost_output(void)
{
        postel_error error;

        if (!ferror(stdout))
                return;
        text_error(&error, POSTEL_IO, "standard output could not be written");
        report_error(&error);
}
