/* SPDX-License-Identifier: MIT */
/* Counting, from any thread and without a lock. */
#include "stats.h"

#include "buffer.h"

#include <inttypes.h>

#define ORDER memory_order_relaxed

static const struct {
        const char *name;
        size_t field;
} rows[] = {
        { "connections", offsetof(struct stats, connections) },
        { "open_connections", offsetof(struct stats, open_connections) },
        { "peak_connections", offsetof(struct stats, peak_connections) },
        { "tls_handshakes", offsetof(struct stats, tls_handshakes) },
        { "authentications", offsetof(struct stats, authentications) },
        { "transactions", offsetof(struct stats, transactions) },
        { "messages", offsetof(struct stats, messages) },
        { "recipients_accepted", offsetof(struct stats, recipients_accepted) },
        { "recipients_refused", offsetof(struct stats, recipients_refused) },
        { "bare_newlines", offsetof(struct stats, bare_newlines) },
        { "bytes_in", offsetof(struct stats, bytes_in) },
        { "bytes_out", offsetof(struct stats, bytes_out) },
        { "round_trips", offsetof(struct stats, round_trips) },
};

void stats_add(counter *value, uint64_t more)
{
        atomic_fetch_add_explicit(value, more, ORDER);
}

void stats_subtract(counter *value, uint64_t less)
{
        if (less > 0)
                atomic_fetch_sub_explicit(value, less, ORDER);
}

bool stats_admit(struct stats *stats, uint64_t most)
{
        uint64_t open = atomic_load_explicit(&stats->open_connections, ORDER), peak;

        do {
                if (most > 0 && open >= most)
                        return false;
        } while (!atomic_compare_exchange_weak_explicit(
                &stats->open_connections, &open, open + 1, ORDER, ORDER));
        peak = atomic_load_explicit(&stats->peak_connections, ORDER);
        while (peak < open + 1 && !atomic_compare_exchange_weak_explicit(
                                          &stats->peak_connections, &peak, open + 1, ORDER, ORDER))
                ;
        return true;
}

void stats_leave(struct stats *stats)
{
        stats_subtract(&stats->open_connections, 1);
}

void stats_reset(struct stats *stats)
{
        uint64_t open = atomic_load_explicit(&stats->open_connections, ORDER);

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                counter *value = (counter *)(void *)((char *)stats + rows[i].field);

                if (value != &stats->open_connections)
                        atomic_store_explicit(value, value == &stats->peak_connections ? open : 0, ORDER);
        }
        for (size_t i = 0; i < COMMAND_COUNT; i++)
                atomic_store_explicit(&stats->commands[i], 0, ORDER);
}

void stats_json(const struct stats *stats, struct buffer *buffer)
{
        buffer_text(buffer, "{");
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const counter *value = (const counter *)(const void *)((const char *)stats + rows[i].field);

                buffer_printf(
                        buffer, "\"%s\":%" PRIu64 ",", rows[i].name, atomic_load_explicit(value, ORDER));
        }
        buffer_text(buffer, "\"commands\":{");
        for (size_t i = 0; i < COMMAND_COUNT; i++)
                buffer_printf(buffer, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", command_name((enum command)i),
                        atomic_load_explicit(&stats->commands[i], ORDER));
        buffer_text(buffer, "}}");
}
