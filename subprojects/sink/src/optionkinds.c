/* SPDX-License-Identifier: MIT */
/* The kinds of option values: how each is read, checked and freed. Knows no option by name. */
#include "optionkinds.h"

#include "buffer.h"
#include "extensions.h"
#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char *number_set(void *field, const char *value, int64_t least, int64_t most)
{
        static _Thread_local char broken[100];
        long long number;
        char *end;

        errno = 0;
        number = strtoll(value, &end, 10);
        if (errno != 0 || end == value || *end != '\0' || number < least || number > most) {
                snprintf(broken, sizeof broken, "must be a number from %" PRId64 " to %" PRId64, least, most);
                return broken;
        }
        *(int64_t *)field = number;
        return NULL;
}

static void number_clear(void *field)
{
        *(int64_t *)field = 0;
}

static const char *flag_set(void *field, const char *value, int64_t least, int64_t most)
{
        bool on = strcmp(value, "on") == 0;

        (void)least;
        (void)most;
        if (!on && strcmp(value, "off") != 0)
                return "must be on or off";
        *(bool *)field = on;
        return NULL;
}

static void flag_clear(void *field)
{
        *(bool *)field = false;
}

static void text_clear(void *field)
{
        char **text = field;

        free(*text);
        *text = NULL;
}

static const char *text_set(void *field, const char *value, int64_t least, int64_t most)
{
        (void)least;
        (void)most;
        if (*value == '\0' || strpbrk(value, "\r\n") != NULL)
                return "must not be empty, nor hold CR or LF";
        text_clear(field);
        *(char **)field = memory_copy(value, strlen(value));
        return NULL;
}

static const char *texts_set(void *field, const char *value, int64_t least, int64_t most)
{
        struct texts *list = field;
        char *text = NULL;
        const char *broken = text_set(&text, value, least, most);

        if (broken != NULL)
                return broken;
        list->texts = memory_resize(list->texts, (list->count + 1) * sizeof *list->texts);
        list->texts[list->count++] = text;
        return NULL;
}

static void texts_clear(void *field)
{
        struct texts *list = field;

        for (size_t i = 0; i < list->count; i++)
                free(list->texts[i]);
        free(list->texts);
        *list = (struct texts){ 0 };
}

static const char *reply_set(void *field, const char *value, int64_t least, int64_t most)
{
        const char *broken = reply_check(value);

        return broken != NULL ? broken : text_set(field, value, least, most);
}

static const char *rules_set(void *field, const char *value, int64_t least, int64_t most)
{
        (void)least;
        (void)most;
        return rules_add(field, value);
}

static void rules_forget(void *field)
{
        rules_clear(field);
}

static const char *faults_set(void *field, const char *value, int64_t least, int64_t most)
{
        (void)least;
        (void)most;
        return faults_add(field, value);
}

static void faults_forget(void *field)
{
        faults_clear(field);
}

static const char *without_set(void *field, const char *value, int64_t least, int64_t most)
{
        enum extension extension;

        (void)least;
        (void)most;
        if (!extension_by_name(value, &extension))
                return extension_names_rule();
        *(uint64_t *)field |= UINT64_C(1) << extension;
        return NULL;
}

static void without_clear(void *field)
{
        *(uint64_t *)field = 0;
}

static const char *with_set(void *field, const char *value, int64_t least, int64_t most)
{
        (void)least;
        (void)most;
        return extension_with_add(field, value);
}

static void with_clear(void *field)
{
        extension_with_clear(field);
}

static const char *set_limits(void *field, const char *value, int64_t least, int64_t most)
{
        (void)least;
        (void)most;
        return limits_set(field, value);
}

static void forget_limits(void *field)
{
        limits_clear(field);
}

static const char *loopback_set(void *field, const char *value, int64_t least, int64_t most)
{
        struct in6_addr six;
        struct in_addr four;
        bool loopback = inet_pton(AF_INET, value, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;

        loopback = loopback || (inet_pton(AF_INET6, value, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six));
        if (!loopback)
                return "must be a loopback address, like 127.0.0.1 or ::1: this server is for tests only";
        return text_set(field, value, least, most);
}

static const char *socket_set(void *field, const char *value, int64_t least, int64_t most)
{
        if (strlen(value) >= sizeof((struct sockaddr_un *)NULL)->sun_path || strpbrk(value, " \t") != NULL)
                return "must be a path of at most 107 octets, without blanks";
        return text_set(field, value, least, most);
}

const struct option_kind option_number = { number_set, number_clear, false };
const struct option_kind option_flag = { flag_set, flag_clear, true };
const struct option_kind option_text = { text_set, text_clear, false };
const struct option_kind option_texts = { texts_set, texts_clear, false };
const struct option_kind option_reply = { reply_set, text_clear, false };
const struct option_kind option_rules = { rules_set, rules_forget, false };
const struct option_kind option_faults = { faults_set, faults_forget, false };
const struct option_kind option_without = { without_set, without_clear, false };
const struct option_kind option_with = { with_set, with_clear, false };
const struct option_kind option_limits = { set_limits, forget_limits, false };
const struct option_kind option_loopback = { loopback_set, text_clear, false };
const struct option_kind option_socket = { socket_set, text_clear, false };
