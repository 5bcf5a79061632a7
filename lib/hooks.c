/* SPDX-License-Identifier: MIT */
/* The policy that every send is asked for, and the names of audit events. */

#include "hooks.h"

#include "base/status.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define REASON_SIZE 256

const char *postel_audit_event_name(postel_audit_event event)
{
        switch (event) {
#define AUDIT_NAME(name, number, text) \
        case POSTEL_AUDIT_##name:      \
                return text;
                POSTEL_AUDIT_MAP(AUDIT_NAME)
        }
        return "?";
}

/* ---- Policy ---- */

static long long segment_octets(const struct source *content)
{
        unsigned long long octets = 0;

        for (size_t i = 0; i < content->segment_count; i++) {
                if (content->segments[i].size > LLONG_MAX - octets)
                        return LLONG_MAX;
                octets += content->segments[i].size;
        }
        return (long long)octets;
}

/* From where it is read, which of a descriptor is where it stands. */
static long long file_octets(const struct stat *file, long long start)
{
        if (!S_ISREG(file->st_mode) || start < 0)
                return -1;
        return file->st_size > start ? file->st_size - start : 0;
}

long long policy_octets(const struct source *content)
{
        struct stat file;

        switch (content->kind) {
        case SOURCE_SEGMENTS:
                return segment_octets(content);
        case SOURCE_FD:
                return fstat(content->fd, &file) == 0 ? file_octets(&file, lseek(content->fd, 0, SEEK_CUR))
                                                      : -1;
        case SOURCE_PATH:
                return stat(content->path, &file) == 0 ? file_octets(&file, 0) : -1;
        case SOURCE_READER:
                return content->size_hint;
        }
        return -1;
}

static postel_status ask(const struct session_options *options, const char *from, const char *const *to,
        size_t count, long long octets, postel_error *error)
{
        char reason[REASON_SIZE] = "";

        if (options->policy(options->policy_data, from, to, count, octets, reason, sizeof(reason)) == 0)
                return POSTEL_OK;
        reason[sizeof(reason) - 1] = '\0';
        return error_set(error, POSTEL_POLICY, POSTEL_PHASE_NONE, "the policy forbids the message%s%s",
                *reason ? ": " : "", reason);
}

postel_status policy_check(const struct session_options *options, const char *from, const char *const *to,
        size_t count, long long octets, postel_error *error)
{
        if (options->max_recipients && count > (size_t)options->max_recipients)
                return error_set(error, POSTEL_POLICY, POSTEL_PHASE_NONE,
                        "recipients: %zu are more than the %d that the policy allows", count,
                        options->max_recipients);
        /* What is sent is never less: newlines only grow. */
        if (options->max_octets && octets > 0 && (unsigned long long)octets > options->max_octets)
                return error_set(error, POSTEL_POLICY, POSTEL_PHASE_NONE,
                        "message: its %lld octets are more than the %llu that the policy allows", octets,
                        options->max_octets);
        return options->policy ? ask(options, from, to, count, octets, error) : POSTEL_OK;
}
