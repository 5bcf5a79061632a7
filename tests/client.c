/* SPDX-License-Identifier: MIT */
/* Clients of scripts and of the sink, through the public interface alone. */

#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

postel_config *config_for(int port, struct manner manner)
{
        postel_config *config = postel_config_new();

        REQUIRE(config != NULL);
        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, port);
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        postel_config_set_timeout_ms(config, WATCHDOG_MS);
        postel_config_set_protocol(config, manner.protocol);
        postel_config_set_chunking(config, manner.chunking);
        postel_config_set_pipelining(config, manner.pipelining);
        postel_config_set_trace(config, manner.trace, manner.trace_data);
        if (manner.phase_ms)
                postel_config_set_phase_timeout_ms(config, manner.phase_ms);
        if (manner.pool_size)
                postel_config_set_pool_size(config, manner.pool_size);
        return config;
}

void client_open(struct client *client, postel_config *config, int pool_size)
{
        if (pool_size)
                client->status = postel_pool_open(config, &client->pool, &client->error);
        else
                client->status = postel_connection_new(config, &client->connection, &client->error);
        postel_config_free(&config);
        if (client->status == POSTEL_OK && !pool_size)
                client->status = postel_connect(client->connection, WATCHDOG_MS, &client->error);
        if (client->status != POSTEL_OK)
                harness_row("%s", postel_error_message(&client->error));
        REQUIRE(client->status == POSTEL_OK);
}

struct client meet_scripts(const struct script *scripts, size_t count, struct manner manner)
{
        struct client client = { .dialogue = dialogue_start_many(scripts, count, 0) };

        client_open(&client, config_for(dialogue_port(client.dialogue), manner), manner.pool_size);
        return client;
}

struct client meet_sink(const char *const *options, struct manner manner)
{
        struct client client = { .sink = sink_start(options) };
        bool lmtp = manner.protocol == POSTEL_PROTOCOL_LMTP;

        client_open(&client, config_for((lmtp ? sink_lmtp_port : sink_smtp_port)(client.sink), manner),
                manner.pool_size);
        return client;
}

void part(struct client *client)
{
        postel_result_free(&client->result);
        postel_connection_free(&client->connection);
        /* Scripts need not say how a pool takes leave. */
        if (client->dialogue)
                CHECK_STR(dialogue_finish(&client->dialogue), NULL);
        postel_pool_close(&client->pool, 0);
        if (client->sink)
                CHECK(sink_stop(&client->sink));
}

postel_envelope *envelope_of(const char *from, const char *names)
{
        postel_envelope *envelope = postel_envelope_new(from);
        char address[300];

        for (size_t size; *names; names += size + (names[size] == ' ')) {
                size = strcspn(names, " ");
                snprintf(address, sizeof(address), "%.*s%s", (int)size, names,
                        memchr(names, '@', size) ? "" : "@x.example");
                postel_envelope_add_recipient(envelope, address);
        }
        return envelope;
}

postel_envelope *envelope_to(const char *names)
{
        return envelope_of(FROM, names);
}

postel_status send_envelope(
        struct client *client, const postel_envelope *envelope, const postel_message *message)
{
        postel_result_free(&client->result);
        if (client->pool)
                client->status = postel_pool_send_with_params(
                        client->pool, envelope, message, -1, &client->result, &client->error);
        else
                client->status = postel_send_with_params(
                        client->connection, envelope, message, -1, &client->result, &client->error);
        if (client->result)
                CHECK_INT(postel_result_status(client->result), client->status);
        return client->status;
}

postel_status send_message(struct client *client, const char *names, const postel_message *message)
{
        postel_envelope *envelope = envelope_to(names);
        postel_status status = send_envelope(client, envelope, message);

        postel_envelope_free(&envelope);
        return status;
}

postel_status send_octets(struct client *client, const char *names, const void *body, size_t size)
{
        postel_message *message = postel_message_from_memory(body, size);
        postel_status status = send_message(client, names, message);

        postel_message_free(&message);
        return status;
}

postel_status send_text(struct client *client, const char *names, const char *body)
{
        return send_octets(client, names, body, strlen(body));
}

/* ---- Looking at results ---- */

static void put_recipient(FILE *out, const postel_result *result, size_t i)
{
        const char *enhanced = postel_result_recipient_enhanced(result, i);
        const char *queue_id = postel_result_recipient_queue_id(result, i);

        fprintf(out, "%s%s %s %d", i ? ", " : " ",
                postel_outcome_name(postel_result_recipient_outcome(result, i)),
                postel_phase_name(postel_result_recipient_phase(result, i)),
                postel_result_recipient_code(result, i));
        fprintf(out, "%s%s%s%s", *enhanced ? " " : "", enhanced, *queue_id ? " " : "", queue_id);
}

void warm(struct client *client)
{
        CHECK_INT(send_text(client, "warm", BODY), POSTEL_OK);
}

const char *account_of(const postel_result *result)
{
        static char account[8192];
        FILE *out = fmemopen(account, sizeof(account), "w");

        if (!result)
                fputs("none", out);
        else
                fprintf(out, "%s:", postel_status_name(postel_result_status(result)));
        for (size_t i = 0; i < postel_result_recipient_count(result); i++)
                put_recipient(out, result, i);
        fputc('\0', out);
        fclose(out);
        return account;
}

size_t count_outcome(const postel_result *result, postel_outcome outcome)
{
        size_t count = 0;

        for (size_t i = 0; i < postel_result_recipient_count(result); i++)
                count += postel_result_recipient_outcome(result, i) == outcome;
        return count;
}

long long statistic(const struct client *client, postel_statistic which)
{
        postel_statistics *statistics = NULL;

        REQUIRE(postel_pool_statistics(client->pool, &statistics, NULL) == POSTEL_OK);
        long long value = (long long)postel_statistics_get(statistics, which);
        postel_statistics_free(&statistics);
        return value;
}

size_t times_accepted(const struct ledger *ledger, const char *from, const char *address)
{
        size_t times = 0;

        for (size_t i = 0; i < ledger->count; i++) {
                const struct ledger_entry *entry = &ledger->entries[i];
                if (from && strcmp(entry->from.address, from) != 0)
                        continue;
                for (size_t j = 0; j < entry->to_count; j++)
                        times += strcmp(entry->to[j].address, address) == 0;
        }
        return times;
}

/* ---- Content ---- */

char *text_of(const char *format, ...)
{
        char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        REQUIRE(vasprintf(&text, format, arguments) >= 0);
        va_end(arguments);
        return text;
}

static char temporary_path[64];

const char *temporary_file(const void *octets, size_t size)
{
        if (!*temporary_path) {
                snprintf(temporary_path, sizeof(temporary_path), "/tmp/postel-test-XXXXXX");
                close(mkstemp(temporary_path));
        }
        FILE *file = fopen(temporary_path, "we");
        if (!file || fwrite(octets, 1, size, file) != size || fclose(file) != 0)
                abort();
        return temporary_path;
}

void remove_temporary_file(void)
{
        unlink(temporary_path);
        *temporary_path = '\0';
}

static int read_part(void *user_data, void *buffer, size_t size, size_t *count)
{
        struct parts *parts = user_data;

        *count = 0;
        if (parts->next == parts->count)
                return parts->fails;
        const char *part = parts->parts[parts->next] + parts->offset;
        size_t left = strlen(part);
        *count = left < size ? left : size;
        memcpy(buffer, part, *count);
        parts->offset += *count;
        if (*count == left) {
                parts->next++;
                parts->offset = 0;
        }
        return 0;
}

postel_message *message_of_parts(struct parts *parts)
{
        return postel_message_from_reader(read_part, parts, -1);
}
