/* SPDX-License-Identifier: MIT */
/* Texts of options turned into values. The range of what the library takes is checked there, not here, but
 * where a text cannot be turned into the library's type. */

#include "option_values.h"

#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PORT    65535
#define MAX_SECONDS 86400 /* the library's limit */

static const struct option_texts *own_texts(const struct options *options, enum option_id option)
{
        return &options->values[option - OPTION_FIRST];
}

/* A line's options say something, or leave it to the command's. */
static bool is_default(const struct options *options, enum option_id option)
{
        return options->defaults && !own_texts(options, option)->count &&
               own_texts(options->defaults, option)->count;
}

const struct option_texts *options_list(const struct options *options, enum option_id option)
{
        return own_texts(is_default(options, option) ? options->defaults : options, option);
}

bool options_given(const struct options *options, enum option_id option)
{
        return options_list(options, option)->count > 0;
}

const char *options_text(const struct options *options, enum option_id option)
{
        const struct option_texts *value = options_list(options, option);

        return value->count ? value->texts[value->count - 1] : NULL;
}

bool options_flag(const struct options *options, enum option_id option)
{
        const char *text = options_text(options, option);

        return text && strcmp(text, OPTION_FLAG_SET) == 0;
}

static const char *option_name(const struct options *options, enum option_id option)
{
        for (const struct argp_option *known = options->known; known->name || known->doc; known++) {
                if (known->key == (int)option)
                        return known->name;
        }
        return "?";
}

/* An option is called as it was written: "--max-line", or "max_line" in a line. */
postel_status options_refuse(
        const struct options *options, enum option_id option, const char *rule, postel_error *error)
{
        if (!options->defaults)
                return text_error(error, POSTEL_INVALID, "--%s: %s", option_name(options, option), rule);

        const char *name = option_name(options->defaults, option);
        if (is_default(options, option))
                return text_error(error, POSTEL_INVALID, "--%s: %s", name, rule);
        text_error(error, POSTEL_INVALID, "%s: %s", name, rule);
        for (size_t i = 0; name[i]; i++) {
                if (error->message[i] == '-')
                        error->message[i] = '_';
        }
        return POSTEL_INVALID;
}

postel_status options_choice(const struct options *options, enum option_id option,
        const struct option_choice *choices, int *value, postel_error *error)
{
        const char *text = options_text(options, option);
        char names[128] = "";

        if (!text)
                return POSTEL_OK;
        for (const struct option_choice *choice = choices; choice->name; choice++) {
                if (strcmp(choice->name, text) == 0) {
                        *value = choice->value;
                        return POSTEL_OK;
                }
                size_t used = strlen(names);
                snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "must be one of ",
                        choice->name);
        }
        return options_refuse(options, option, names, error);
}

postel_status options_port(
        const struct options *options, enum option_id option, int *port, postel_error *error)
{
        const char *text = options_text(options, option);

        if (!text)
                return POSTEL_OK;

        long number = strtol(text, NULL, 10);
        if (strspn(text, "0123456789") != strlen(text) || number < 1 || number > MAX_PORT)
                return options_refuse(options, option, "must be a number from 1 to 65535", error);
        *port = (int)number;
        return POSTEL_OK;
}

bool parse_number(const char *text, long long *number, const char **end)
{
        bool has_sign = *text == '-' || *text == '+';
        char *behind;

        if (text[has_sign] < '0' || text[has_sign] > '9')
                return false;
        errno = 0;
        *number = strtoll(text, &behind, 10);
        *end = behind;
        return errno == 0;
}

postel_status options_int(
        const struct options *options, enum option_id option, int *number, postel_error *error)
{
        const char *text = options_text(options, option);
        const char *end;
        long long value;

        if (!text)
                return POSTEL_OK;
        if (!parse_number(text, &value, &end) || *end || value < INT_MIN || value > INT_MAX)
                return options_refuse(
                        options, option, "must be a whole number of less than ten digits", error);
        *number = (int)value;
        return POSTEL_OK;
}

postel_status options_octets(
        const struct options *options, enum option_id option, unsigned long long *octets, postel_error *error)
{
        const char *text = options_text(options, option);
        char *end;

        if (!text)
                return POSTEL_OK;
        errno = 0;
        *octets = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || errno)
                return options_refuse(options, option, "must be a number of octets", error);
        return POSTEL_OK;
}

postel_status options_seconds(
        const struct options *options, enum option_id option, int *milliseconds, postel_error *error)
{
        const char *text = options_text(options, option);
        char *end;

        if (!text)
                return POSTEL_OK;

        /* strtod() also knows hexadecimal, "inf" and "nan"; an exponent is what JSON may write. */
        double seconds = strtod(text, &end);
        if (!*text || *end || strspn(text, "0123456789.eE+-") != strlen(text) || !(seconds >= 0) ||
                seconds > MAX_SECONDS)
                return options_refuse(options, option, "must be a number of seconds from 0 to 86400", error);
        *milliseconds = (int)(seconds * 1000 + 0.5);
        /* Zero means "without waiting", which nobody asks for with a small number. */
        if (*milliseconds == 0 && seconds > 0)
                *milliseconds = 1;
        return POSTEL_OK;
}
