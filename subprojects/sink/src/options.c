/* SPDX-License-Identifier: MIT */
/* The one table of options: command line, help and run-time changes are read from it. */
#include "options.h"

#include "buffer.h"
#include "listener.h"
#include "optionkinds.h"
#include "settings.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name)  offsetof(struct settings, name)
#define PORTS        0, 65535
#define MILLISECONDS 0, 86400000
#define ANY          0, INT64_C(1) << 53

struct option_row {
        const char *name;
        const char *argument;
        const struct option_kind *kind;
        size_t field;
        int64_t least, most;
        const char *fallback;
        bool at_run_time;
        const char *help;
};

static const struct option_row rows[] = {
        { "smtp", "PORT", &option_number, FIELD(smtp_port), PORTS, NULL, false,
                "listen for SMTP, with STARTTLS if there is a certificate; 0 takes any free port" },
        { "smtps", "PORT", &option_number, FIELD(smtps_port), PORTS, NULL, false,
                "listen for SMTP over implicit TLS" },
        { "lmtp", "PORT", &option_number, FIELD(lmtp_port), PORTS, NULL, false,
                "listen for LMTP, with STARTTLS if there is a certificate" },
        { "lmtps", "PORT", &option_number, FIELD(lmtps_port), PORTS, NULL, false,
                "listen for LMTP over implicit TLS" },
        { "smtp-socket", "PATH", &option_socket, FIELD(smtp_socket), ANY, NULL, false,
                "listen for SMTP on a Unix socket" },
        { "lmtp-socket", "PATH", &option_socket, FIELD(lmtp_socket), ANY, NULL, false,
                "listen for LMTP on a Unix socket" },
        { "control", "PORT", &option_number, FIELD(control_port), PORTS, NULL, false,
                "listen for control lines: stats, reset-stats, set OPTION VALUE, clear OPTION" },
        { "listen-address", "ADDR", &option_loopback, FIELD(listen_address), ANY, "127.0.0.1", false,
                "the loopback address to listen on" },
        { "threads", "N", &option_number, FIELD(threads), 1, 64, "1", false,
                "threads that serve connections" },
        { "exit-on-eof", NULL, &option_flag, FIELD(exit_on_eof), ANY, "off", false,
                "end when standard input reaches its end" },
        { "ledger", "FILE", &option_text, FIELD(ledger_file), ANY, NULL, false,
                "write one JSON line for each accepted message" },
        { "store", "DIR", &option_text, FIELD(store_directory), ANY, NULL, false,
                "store each accepted message as DIR/NNNNNN.eml" },
        { "cert", "FILE", &option_text, FIELD(cert_file), ANY, NULL, false, "certificate chain, PEM" },
        { "key", "FILE", &option_text, FIELD(key_file), ANY, NULL, false, "its private key, PEM" },
        { "self-signed", "FILE", &option_text, FIELD(self_signed_file), ANY, NULL, false,
                "make a key and a certificate for localhost, and write the certificate to FILE" },
        { "tls-priority", "STRING", &option_text, FIELD(tls_priority), ANY,
                "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", false, "GnuTLS priority string" },
        { "users", "FILE", &option_text, FIELD(users_file), ANY, NULL, false,
                "lines user:password; offers AUTH PLAIN LOGIN" },
        { "auth-without-tls", NULL, &option_flag, FIELD(auth_without_tls), ANY, "off", true,
                "offer AUTH on connections without TLS too" },
        { "require-auth", NULL, &option_flag, FIELD(require_auth), ANY, "off", true,
                "answer 530 to MAIL before AUTH" },
        { "require-tls", NULL, &option_flag, FIELD(require_tls), ANY, "off", true,
                "answer 530 to most commands before STARTTLS" },
        { "hostname", "NAME", &option_text, FIELD(hostname), ANY, "sink.example.test", true,
                "name in the greeting" },
        { "without", "EXT", &option_without, FIELD(without), ANY, NULL, true,
                "neither offer nor accept this extension; EHLO: only HELO works (repeatable)" },
        { "with", "EXT[=ARGUMENTS]", &option_with, FIELD(with), ANY, NULL, true,
                "offer DELIVERBY, FUTURERELEASE, MT-PRIORITY or REQUIRETLS, too (repeatable)" },
        { "limits", "TEXT", &option_limits, FIELD(limits), ANY, NULL, true,
                "offer LIMITS with this text, and enforce MAILMAX, RCPTMAX and RCPTDOMAINMAX in it" },
        { "ehlo-line", "TEXT", &option_texts, FIELD(ehlo_lines), ANY, NULL, true,
                "a further line of the reply to EHLO (repeatable)" },
        { "reply-delay-ms", "N", &option_number, FIELD(reply_delay_ms), MILLISECONDS, "0", true,
                "hold back every flush of replies" },
        { "reply-text", "N", &option_number, FIELD(reply_text), 0, 16777216, "0", true,
                "pad replies to MAIL, RCPT and messages by N octets" },
        { "refuse-mail", "GLOB=REPLY", &option_rules, FIELD(refuse_mail), ANY, NULL, true,
                "reply for senders that match (repeatable, first match counts)" },
        { "refuse-rcpt", "GLOB=REPLY", &option_rules, FIELD(refuse_rcpt), ANY, NULL, true,
                "reply for recipients that match (repeatable)" },
        { "final", "GLOB=REPLY", &option_rules, FIELD(final), ANY, NULL, true,
                "reply after the message for senders that match (repeatable)" },
        { "final-rcpt", "GLOB=REPLY", &option_rules, FIELD(final_rcpt), ANY, NULL, true,
                "LMTP: reply after the message for recipients that match (repeatable)" },
        { "data-reply", "REPLY", &option_reply, FIELD(data_reply), ANY, NULL, true, "reply to DATA" },
        { "bdat-keeps-refused-chunk", NULL, &option_flag, FIELD(bdat_keeps_refused_chunk), ANY, "off", true,
                "take the chunk of a refused BDAT for commands" },
        { "vrfy", "GLOB=REPLY", &option_rules, FIELD(vrfy), ANY, NULL, true,
                "reply to VRFY of what matches (repeatable)" },
        { "expn", "GLOB=REPLY", &option_rules, FIELD(expn), ANY, NULL, true,
                "reply to EXPN of what matches (repeatable)" },
        { "max-size", "N", &option_number, FIELD(max_size), ANY, "0", true,
                "octets in a message; 0: no limit, SIZE without a number" },
        { "max-recipients", "N", &option_number, FIELD(max_recipients), ANY, "0", true,
                "recipients of a message; 0: no limit" },
        { "max-recipients-reply", "REPLY", &option_reply, FIELD(max_recipients_reply), ANY, NULL, true,
                "reply to the recipients over --max-recipients" },
        { "max-messages", "N", &option_number, FIELD(max_messages), ANY, "0", true,
                "messages on a connection, then 421; 0: no limit" },
        { "max-connections", "N", &option_number, FIELD(max_connections), ANY, "0", true,
                "connections at a time, then 421; 0: no limit" },
        { "idle-timeout-ms", "N", &option_number, FIELD(idle_timeout_ms), MILLISECONDS, "0", true,
                "421 after so long without input; 0: never" },
        { "socket-buffer", "N", &option_number, FIELD(socket_buffer), 0, 1 << 30, "0", true,
                "SO_RCVBUF and SO_SNDBUF; 0: the system's" },
        { "fault", "WHERE[#N]=WHAT", &option_faults, FIELD(faults), ANY, NULL, true,
                "at connect, greeting, ehlo, starttls, handshake, auth, mail, rcpt, data, bdat, body, "
                "final,\n"
                "        final-rcpt, accepted, rset, noop, vrfy, expn, help or quit: close, reset, stall, "
                "garbage,\n"
                "        421, drip or a literal reply; only the Nth time if there is #N (repeatable)" },
};

#define ROW_COUNT (sizeof rows / sizeof *rows)

static void *field_of(struct settings *settings, const struct option_row *row)
{
        return (char *)settings + row->field;
}

static void restore(struct settings *settings, const struct option_row *row)
{
        row->kind->clear(field_of(settings, row));
        if (row->fallback != NULL)
                row->kind->set(field_of(settings, row), row->fallback, row->least, row->most);
}

void settings_init(struct settings *settings)
{
        *settings = (struct settings){ 0 };
        for (size_t i = 0; i < ROW_COUNT; i++)
                restore(settings, &rows[i]);
        settings->smtp_port = settings->smtps_port = settings->control_port = -1;
        settings->lmtp_port = settings->lmtps_port = -1;
}

void settings_deinit(struct settings *settings)
{
        for (size_t i = 0; i < ROW_COUNT; i++)
                rows[i].kind->clear(field_of(settings, &rows[i]));
}

static void print_help(void)
{
        puts("Usage: postel-sink --smtp PORT | --smtps PORT | --lmtp PORT | ... [OPTION]...\n"
             "A server of SMTP and LMTP, on loopback only, that accepts mail for tests and keeps none of "
             "it.\n"
             "It prints one line \"ready smtp=PORT ... control=PORT\" when it listens.\n");
        for (size_t i = 0; i < ROW_COUNT; i++) {
                bool has_fallback = rows[i].fallback != NULL && !rows[i].kind->is_flag;

                printf("  --%s%s%s%s\n        %s", rows[i].name, rows[i].argument != NULL ? " " : "",
                        rows[i].argument != NULL ? rows[i].argument : "", rows[i].at_run_time ? "  *" : "",
                        rows[i].help);
                printf(has_fallback ? " [%s]\n" : "\n", rows[i].fallback);
        }
        puts("  --help\n        this text\n\nOptions with * can be changed at run time over the control "
             "port; flags take on or off there.");
}

static enum options_result bad(const char *option, const char *rule)
{
        fprintf(stderr, "postel-sink: --%s: %s\n", option, rule);
        return OPTIONS_BAD;
}

/* Rules between options, which no single value breaks. */
static enum options_result check_together(const struct settings *settings)
{
        bool certificate = settings->cert_file != NULL || settings->self_signed_file != NULL;
        bool listens = false;

        for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
                bool wanted = endpoint_wanted(&endpoints[i], settings);

                listens = listens || wanted;
                if (wanted && endpoints[i].implicit_tls && !certificate)
                        return bad(endpoints[i].name, "needs --cert and --key, or --self-signed");
        }
        if (!listens)
                return bad("smtp",
                        "it, or --smtps, --lmtp, --lmtps, --smtp-socket or --lmtp-socket, is required");
        if ((settings->cert_file != NULL) != (settings->key_file != NULL))
                return bad("cert", "--cert and --key go together");
        if (settings->cert_file != NULL && settings->self_signed_file != NULL)
                return bad("self-signed", "excludes --cert");
        return OPTIONS_RUN;
}

enum options_result options_parse(struct settings *settings, int argc, char **argv)
{
        struct option longs[ROW_COUNT + 2] = { { 0 } };
        int index, found;

        for (size_t i = 0; i < ROW_COUNT; i++) {
                longs[i].name = rows[i].name;
                longs[i].has_arg = rows[i].argument != NULL ? required_argument : no_argument;
        }
        longs[ROW_COUNT] = (struct option){ .name = "help", .val = 'h' };
        while ((found = getopt_long(argc, argv, "", longs, &index)) != -1) {
                const struct option_row *row;
                const char *broken;

                if (found == 'h') {
                        print_help();
                        return OPTIONS_HELP;
                }
                if (found != 0)
                        return OPTIONS_BAD; /* getopt_long named the option and the rule */
                row = &rows[index];
                broken = row->kind->set(
                        field_of(settings, row), optarg != NULL ? optarg : "on", row->least, row->most);
                if (broken != NULL)
                        return bad(row->name, broken);
        }
        if (optind < argc) {
                fprintf(stderr, "postel-sink: %s: there are only options, no other arguments\n",
                        argv[optind]);
                return OPTIONS_BAD;
        }
        return check_together(settings);
}

static const struct option_row *find_at_run_time(const char *name)
{
        for (size_t i = 0; i < ROW_COUNT; i++)
                if (rows[i].at_run_time && strcmp(rows[i].name, name) == 0)
                        return &rows[i];
        return NULL;
}

const char *options_set(struct settings *settings, const char *name, const char *value)
{
        const struct option_row *row = find_at_run_time(name);

        if (row == NULL)
                return "no such option at run time";
        return row->kind->set(field_of(settings, row), value, row->least, row->most);
}

const char *options_clear(struct settings *settings, const char *name)
{
        const struct option_row *row = find_at_run_time(name);

        if (row == NULL)
                return "no such option at run time";
        restore(settings, row);
        return NULL;
}
