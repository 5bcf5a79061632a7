/* SPDX-License-Identifier: MIT */
/* DELIVERBY (RFC 2852), FUTURERELEASE (RFC 4865), MT-PRIORITY (RFC 6710) and REQUIRETLS (RFC 8689): what they
 * announce and what their parameters may be. Nothing is delivered later, sooner or elsewhere. */
#include "requested.h"

#include "extensions.h"
#include "server.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BAD_VALUE "501 5.5.4 Bad value of a parameter"
#define DIGITS    "0123456789"

static const char *argument(const struct session *session, enum extension extension)
{
        return session->server->settings.with.arguments[extension];
}

static size_t count_digits(const char *text)
{
        return strspn(text, DIGITS);
}

/* 1*9DIGIT and then the end. */
static bool is_number(const char *text)
{
        size_t digits = count_digits(text);

        return digits >= 1 && digits <= 9 && text[digits] == '\0';
}

const char *requested_deliverby(const char *text)
{
        return *text == '\0' || is_number(text) ? NULL : "DELIVERBY=SECONDS: a number of at most 9 digits";
}

/* by-value (RFC 2852 section 4): a time, ";", N or R, and maybe T. */
const char *requested_by(struct session *session, const char *value)
{
        long least = strtol(argument(session, EXTENSION_DELIVERBY), NULL, 10), seconds;
        const char *number, *mode;
        size_t digits;

        if (value == NULL)
                return BAD_VALUE;
        number = value + (*value == '-' || *value == '+');
        digits = count_digits(number);
        if (digits < 1 || digits > 9 || number[digits] != ';')
                return BAD_VALUE;
        mode = number + digits + 1;
        if (*mode == '\0' || strchr("NnRr", *mode) == NULL ||
                (mode[1] != '\0' && ((mode[1] != 'T' && mode[1] != 't') || mode[2] != '\0')))
                return BAD_VALUE;
        seconds = strtol(value, NULL, 10);
        if (*mode == 'N' || *mode == 'n')
                return NULL;
        if (seconds <= 0)
                return "501 5.5.4 With R the time must be positive";
        return seconds < least ? "555 5.5.4 Less than the minimum" : NULL;
}

/* A date-time of RFC 3339 in UTC: YYYY-MM-DDTHH:MM:SS, maybe a fraction, Z. */
static bool read_time(const char *text, time_t *seconds)
{
        static const char shape[] = "0000-00-00T00:00:00";
        struct tm tm = { 0 }, got;
        const char *end = text;

        for (const char *want = shape; *want != '\0'; want++, end++)
                if (*want == '0' ? *end < '0' || *end > '9' : *end != *want)
                        return false;
        if (*end == '.') {
                if (count_digits(end + 1) == 0)
                        return false;
                end += 1 + count_digits(end + 1);
        }
        if (strcmp(end, "Z") != 0)
                return false;
        tm.tm_year = atoi(text) - 1900;
        tm.tm_mon = atoi(text + 5) - 1;
        tm.tm_mday = atoi(text + 8);
        tm.tm_hour = atoi(text + 11);
        tm.tm_min = atoi(text + 14);
        tm.tm_sec = atoi(text + 17);
        got = tm;
        *seconds = timegm(&got);
        /* What is no date comes back as another one. */
        return got.tm_mon == tm.tm_mon && got.tm_mday == tm.tm_mday && got.tm_hour == tm.tm_hour &&
               got.tm_min == tm.tm_min;
}

const char *requested_futurerelease(const char *text)
{
        size_t digits = count_digits(text);
        time_t most;

        if (digits < 1 || digits > 9 || text[digits] != ' ' || !read_time(text + digits + 1, &most))
                return "FUTURERELEASE=\"SECONDS TIME\": like 86400 2030-01-01T00:00:00Z";
        return NULL;
}

/* RFC 4865 section 4: one of both, once. */
static const char *hold(struct session *session, bool valid, bool too_late)
{
        if (!valid)
                return BAD_VALUE;
        if (session->transaction.held)
                return "501 5.5.4 HOLDFOR and HOLDUNTIL exclude each other";
        session->transaction.held = true;
        return too_late ? "501 5.5.4 Held for longer than offered" : NULL;
}

const char *requested_holdfor(struct session *session, const char *value)
{
        long most = strtol(argument(session, EXTENSION_FUTURERELEASE), NULL, 10);
        bool valid = value != NULL && is_number(value);

        return hold(session, valid, valid && strtol(value, NULL, 10) > most);
}

const char *requested_holduntil(struct session *session, const char *value)
{
        const char *limit = strchr(argument(session, EXTENSION_FUTURERELEASE), ' ');
        time_t until = 0, most = 0;
        bool valid = value != NULL && read_time(value, &until);

        read_time(limit + 1, &most);
        return hold(session, valid, until > most);
}

const char *requested_mt_priority(const char *text)
{
        return text[strcspn(text, " =\r\n")] == '\0' ? NULL : "MT-PRIORITY=PROFILE: one word";
}

/* priority-value (RFC 6710 section 6): -9 to 9, without a plus, without a needless zero. */
const char *requested_priority(struct session *session, const char *value)
{
        const char *digit = value;

        (void)session;
        if (value != NULL && strcmp(value, "0") == 0)
                return NULL;
        if (value != NULL && *digit == '-')
                digit++;
        return value != NULL && *digit >= '1' && *digit <= '9' && digit[1] == '\0' ? NULL : BAD_VALUE;
}

const char *requested_requiretls(const char *text)
{
        return *text == '\0' ? NULL : "REQUIRETLS has nothing behind it";
}

const char *requested_tls(struct session *session, const char *value)
{
        (void)session;
        return value == NULL ? NULL : BAD_VALUE;
}
