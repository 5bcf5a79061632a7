/* SPDX-License-Identifier: MIT */
/* Texts of options turned into values. The range of what the library takes is checked there, not here, but
 * where a text cannot be turned into the library's type. */

#include "option_values.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PORT    65535
#define MAX_SECONDS 86400 /* the library's limit */

bool options_given(const struct options *options, enum option_id option)
{
        return options->values[option - OPTION_FIRST].count > 0;
}

const char *options_text(const struct options *options, enum option_id option)
{
        const struct option_texts *value = &options->values[option - OPTION_FIRST];

        return value->count ? value->texts[value->count - 1] : NULL;
}

static const char *option_name(const struct options *options, enum option_id option)
{
        for (const struct argp_option *known = options->known; known->name || known->doc; known++) {
                if (known->key == (int)option)
                        return known->name;
        }
        return "?";
}

postel_status options_refuse(
        const struct options *options, enum option_id option, const char *rule, postel_error *error)
{
        return text_error(error, POSTEL_INVALID, "--%s: %s", option_name(options, option), rule);
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
