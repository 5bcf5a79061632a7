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
#include <stdlib.h>
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

        return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:i, s:i}", "status", row.word, "phase",
                postel_phase_name(row.phase), "code", row.code, "enhanced", json_text(row.enhanced), "text",
                json_text(row.text), "queue_id", json_text(queue_id), "recipients", recipients_json(account),
                "attempts", attempts, "ms", account->ms);
}

/* A number's shortest text that means it: with fewer digits it would be another, with more they would be
 * noise. */
static char *real_text(double number)
{
        char text[40];

        for (int digits = 15; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, number);
                if (strtod(text, NULL) == number)
                        break;
        }
        /* A fraction stays one. */
        if (!strpbrk(text, ".e"))
                strcat(text, ".0");
        return strdup(text);
}

static char *id_text(json_t *id)
{
        if (json_is_real(id))
                return real_text(json_real_value(id));

        char *line = json_line(id ? json_incref(id) : json_null());
        if (line)
                line[strcspn(line, "\n")] = '\0';
        return line;
}

/* The identifier and the line go before the members of the account. */
static char *report_json(const struct account *account)
{
        char *members = json_line(account_json(account));
        char *id = id_text(account->id);
        char *text = NULL;

        if (members && id && account->line == NO_LINE) {
                if (asprintf(&text, "{\"id\":%s,\"line\":null,%s", id, members + 1) < 0)
                        text = NULL;
        } else if (members && id && account->line) {
                if (asprintf(&text, "{\"id\":%s,\"line\":%llu,%s", id, account->line, members + 1) < 0)
                        text = NULL;
        } else if (members && id) {
                if (asprintf(&text, "{\"id\":%s,%s", id, members + 1) < 0)
                        text = NULL;
        }
        free(members);
        free(id);
        return text;
}

/* "NOT_SENT" as "not sent". */
static void write_word(FILE *out, const char *word)
{
        for (; *word; word++)
                fputc(*word == '_' ? ' ' : tolower((unsigned char)*word), out);
}

/* Without the end of the line, and without the enhanced status code: the text of the server begins with it.
 */
static void write_row(FILE *out, const struct row *row)
{
        write_word(out, row->word);
        if (row->code || *row->text)
                fputs(": ", out);
        if (row->code)
                fprintf(out, "%d ", row->code);
        text_write(out, row->text);
}

static void write_recipients(FILE *out, const struct account *account)
{
        for (size_t i = 0; i < account->recipient_count; i++) {
                struct row row = recipient_row(account, i);

                /* Without a result the message's line has said why for all of them. */
                if (!account->result)
                        row = (struct row){ .word = row.word, .text = "" };
                if (account->line)
                        fputs("  ", out);
                text_write(out, account->recipients[i]);
                fputs(": ", out);
                write_row(out, &row);
                fputc('\n', out);
        }
}

static void write_name(FILE *out, const struct account *account)
{
        char *number = account->id && !json_is_string(account->id) ? id_text(account->id) : NULL;

        if (json_is_string(account->id))
                text_write(out, json_string_value(account->id));
        else if (number)
                fputs(number, out);
        fprintf(out, account->id ? " (line %llu): " : "line %llu: ", account->line);
        free(number);
}

static void write_account(FILE *out, const struct account *account)
{
        struct row row = message_row(account);
        const char *queue_id = account->result ? postel_result_queue_id(account->result) : "";

        if (account->line)
                write_name(out, account);
        if (account->status == POSTEL_OK)
                row.word = postel_outcome_name(POSTEL_OUTCOME_ACCEPTED);
        write_row(out, &row);
        if (*queue_id) {
                fputs(" (queue id ", out);
                text_write(out, queue_id);
                fputc(')', out);
        }
        fputc('\n', out);
        if (account->status != POSTEL_OK)
                write_recipients(out, account);
}

char *report_text(const struct account *account, bool is_json)
{
        char *text = NULL;
        size_t size;
        FILE *out;

        if (is_json)
                return report_json(account);
        out = open_memstream(&text, &size);
        if (!out)
                return NULL;
        write_account(out, account);

        bool is_whole = !ferror(out);
        if (fclose(out) == 0 && is_whole)
                return text;
        free(text);
        return NULL;
}

void report_account(const struct account *account, bool is_json)
{
        char *text = report_text(account, is_json);
        postel_error error;

        if (text) {
                fputs(text, stdout);
        } else {
                text_error(&error, POSTEL_MEMORY, "the report does not fit into memory");
                report_error(&error);
        }
        fflush(stdout);
        free(text);
        if (!is_json && account->status != POSTEL_OK)
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
