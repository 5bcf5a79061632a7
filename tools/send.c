/* SPDX-License-Identifier: MIT */
/* `postel send`: one message over one connection, and an account of it whatever happened. */

#include "commands.h"
#include "exit_status.h"
#include "mail.h"
#include "mail_parameters.h"
#include "option_values.h"
#include "report.h"
#include "server.h"
#include "client.h"

static const struct options_syntax syntax = {
        .tables = { server_where_options, server_who_options, mail_address_options, mail_parameter_options,
                server_how_options, NULL },
        .operand = "FILE|-",
        .help = "Hands the message in FILE, or on standard input, to a server."
                "\v" EXIT_STATUS_HELP,
};

struct send {
        struct options options;
        struct server server;
        struct mail mail;
        struct client client;
        postel_result *result;
        postel_error error;
};

/* Whatever can be refused without a server is, before there is a connection. */
static postel_status prepare(struct send *send)
{
        postel_status status = mail_read_recipients(&send->mail, &send->options, &send->error);

        if (status == POSTEL_OK)
                status = mail_compose(&send->mail, &send->options, &send->error);
        if (status == POSTEL_OK)
                status = server_init(&send->server, &send->options, &send->error);
        return status;
}

static postel_status deliver(struct send *send)
{
        postel_status status = client_open(&send->client, &send->server, &send->error);

        if (status != POSTEL_OK)
                return status;
        return postel_send_with_params(send->client.connection, send->mail.envelope, send->mail.message,
                client_left_ms(&send->client), &send->result, &send->error);
}

static void report(const struct send *send, postel_status status)
{
        struct account account = {
                .status = status,
                .result = send->result,
                .error = &send->error,
                .recipients = send->mail.recipients,
                .recipient_count = send->mail.recipient_count,
                .ms = client_elapsed_ms(&send->client),
        };

        report_account(&account, options_given(&send->options, OPTION_JSON));
}

static void deinit(struct send *send)
{
        client_deinit(&send->client);
        postel_result_free(&send->result);
        mail_deinit(&send->mail);
        server_deinit(&send->server);
        options_free(&send->options);
}

/* Every address that was given has its line in the report, even if it was never looked at. */
static void list_recipients(struct send *send)
{
        postel_error ignored;

        mail_read_recipients(&send->mail, &send->options, &ignored);
}

int send_run(int argc, char **argv)
{
        struct send send = { .result = NULL };
        int failed = options_parse(&send.options, &syntax, argc, argv, &send.error);
        postel_status status;

        if (failed == EX_OK) {
                status = prepare(&send);
                if (status == POSTEL_OK)
                        status = deliver(&send);
                failed = exit_status(status);
                report(&send, status);
                client_quit(&send.client);
        } else if (failed != EX_USAGE) {
                list_recipients(&send);
                report(&send, send.error.status);
        }
        deinit(&send);
        return failed;
}
