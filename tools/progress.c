/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The rate forgets what is older than a few times this. */
#define RATE_MEMORY_S 3.0

#define DEFAULT_COLUMNS 80
#define MAX_COLUMNS     256

static bool can_rewrite_lines(void)
{
        const char *terminal = getenv("TERM");

        return isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

void progress_init(struct progress *progress, bool is_wanted, unsigned long long total_octets)
{
        *progress = (struct progress){
                .is_on = is_wanted && can_rewrite_lines(),
                .total_octets = total_octets,
                .started_ms = clock_ms(),
                .drawn_ms = clock_ms(),
        };
}

void progress_count(struct progress *progress, postel_status status, unsigned long long octets)
{
        progress->messages++;
        progress->octets += octets;
        progress->sent += status == POSTEL_OK;
        progress->partly += status == POSTEL_PARTIAL;
        progress->refused += status == POSTEL_REJECTED;
        progress->deferred += status == POSTEL_DEFERRED;
        progress->unknown += status == POSTEL_UNKNOWN;
        progress->failed = progress->messages - progress->sent - progress->partly - progress->refused -
                           progress->deferred - progress->unknown;
}

/* Those that nobody needs to hear of when there are none are left out. */
static void describe(const struct progress *progress, char *text, size_t size)
{
        const struct {
                unsigned long long count;
                const char *name;
                bool is_always_told;
        } kinds[] = {
                { progress->sent, "sent", true },
                { progress->partly, "sent in part", false },
                { progress->refused, "refused", false },
                { progress->deferred, "deferred", false },
                { progress->unknown, "unknown", false },
                { progress->failed, "failed", false },
        };
        size_t used = 0;

        *text = '\0';
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && used < size; i++) {
                if (kinds[i].count || kinds[i].is_always_told)
                        used += (size_t)snprintf(text + used, size - used, "%s%llu %s", used ? ", " : "",
                                kinds[i].count, kinds[i].name);
        }
}

static void measure(struct progress *progress, int64_t now)
{
        double seconds = (double)(now - progress->drawn_ms) / 1000;
        double total = (double)(now - progress->started_ms) / 1000;
        double memory = total < RATE_MEMORY_S ? total : RATE_MEMORY_S;
        double rate = (double)(progress->messages - progress->messages_drawn) / seconds;

        progress->rate += (rate - progress->rate) * seconds / (seconds > memory ? seconds : memory);
        progress->drawn_ms = now;
        progress->messages_drawn = progress->messages;
}

static void describe_time_left(const struct progress *progress, char *text, size_t size)
{
        double passed = (double)(progress->drawn_ms - progress->started_ms) / 1000;
        double left;

        *text = '\0';
        if (!progress->octets || progress->total_octets <= progress->octets)
                return;
        left = passed * (double)(progress->total_octets - progress->octets) / (double)progress->octets;
        if (left < 1e7)
                snprintf(text, size, ", %d:%02d:%02d left", (int)left / 3600, (int)left / 60 % 60,
                        (int)left % 60);
}

static int columns(void)
{
        struct winsize size;

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
                return DEFAULT_COLUMNS;
        return size.ws_col < MAX_COLUMNS ? size.ws_col : MAX_COLUMNS;
}

void progress_draw(struct progress *progress)
{
        int64_t now = clock_ms();
        char counts[192];
        char left[48];
        char line[MAX_COLUMNS];

        if (!progress->is_on || now - progress->drawn_ms < PROGRESS_INTERVAL_MS)
                return;
        measure(progress, now);
        describe(progress, counts, sizeof(counts));
        describe_time_left(progress, left, sizeof(left));
        snprintf(line, sizeof(line), "%s; %.0f/s%s", counts, progress->rate, left);
        /* A line as wide as the terminal would wrap, and could not be taken back. */
        fprintf(stderr, "\r%.*s\033[K", columns() - 1, line);
        fflush(stderr);
        progress->is_shown = true;
}

void progress_clear(struct progress *progress)
{
        if (!progress->is_shown)
                return;
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->is_shown = false;
}

void progress_summary(const struct progress *progress)
{
        char counts[192];

        describe(progress, counts, sizeof(counts));
        fprintf(stderr, "postel: %llu message%s: %s\n", progress->messages,
                progress->messages == 1 ? "" : "s", counts);
}
