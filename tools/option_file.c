/* SPDX-License-Identifier: MIT */
/*
 * Options out of a file: one JSON object, with the long names as keys. Texts may hold any character but NUL:
 * the library is the judge of addresses and parameters, wherever they come from.
 */

#include "option_file.h"

#include "exit_status.h"
#include "option_values.h"
#include "text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct argp_option *find_option(const struct options *options, const char *name)
{
        for (const struct argp_option *known = options->known; known->name || known->doc; known++) {
                if (known->name && known->key != OPTION_OPTIONS_FILE && strcmp(known->name, name) == 0)
                        return known;
        }
        return NULL;
}

static postel_status add_text(
        struct options *options, const struct argp_option *option, const json_t *value, postel_error *error)
{
        char *number = json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        const char *text = json_is_string(value) ? json_string_value(value) : number;
        postel_status status = POSTEL_OK;

        if (!text && !json_is_number(value))
                status = text_error(error, POSTEL_INVALID,
                        "--%s: must be a string or a number in the options file", option->name);
        else if (!text || !options_add(options, (enum option_id)option->key, text))
                status = text_error(error, POSTEL_MEMORY, "--%s: out of memory", option->name);
        free(number);
        return status;
}

static postel_status add_list(
        struct options *options, const struct argp_option *option, const json_t *list, postel_error *error)
{
        size_t index;
        json_t *value;

        json_array_foreach(list, index, value)
        {
                postel_status status = add_text(options, option, value, error);
                if (status != POSTEL_OK)
                        return status;
        }
        return POSTEL_OK;
}

static postel_status add_flag(
        struct options *options, const struct argp_option *option, const json_t *value, postel_error *error)
{
        if (!json_is_boolean(value))
                return text_error(error, POSTEL_INVALID, "--%s: must be true or false in the options file",
                        option->name);
        if (json_is_true(value) && !options_add(options, (enum option_id)option->key, OPTION_FLAG_SET))
                return text_error(error, POSTEL_MEMORY, "--%s: out of memory", option->name);
        return POSTEL_OK;
}

static bool is_list(const struct argp_option *option)
{
        return option->key == OPTION_TO || option->key == OPTION_MAIL_PARAM ||
               option->key == OPTION_RCPT_PARAM;
}

static int add_all(struct options *options, json_t *object, postel_error *error)
{
        const char *name;
        json_t *value;

        json_object_foreach(object, name, value)
        {
                const struct argp_option *option = find_option(options, name);
                postel_status status;

                if (!option) {
                        text_error(error, POSTEL_INVALID, "--options-file: unknown option \"%s\"", name);
                        return EX_USAGE;
                }
                if (options_given(options, (enum option_id)option->key))
                        continue;
                if (!option->arg)
                        status = add_flag(options, option, value, error);
                else if (json_is_array(value) && is_list(option))
                        status = add_list(options, option, value, error);
                else
                        status = add_text(options, option, value, error);
                if (status != POSTEL_OK)
                        return exit_status(status);
        }
        return EX_OK;
}

/* Jansson ends its texts with what stands in the file near the fault, which is nobody's business. */
static postel_status refuse_syntax(postel_error *error, const json_error_t *fault)
{
        const char *excerpt = strstr(fault->text, " near ");
        int length = (int)(excerpt ? (size_t)(excerpt - fault->text) : strlen(fault->text));

        if (fault->line < 0)
                return text_error(error, POSTEL_INVALID, "--options-file: %s", fault->text);
        return text_error(
                error, POSTEL_INVALID, "--options-file: line %d: %.*s", fault->line, length, fault->text);
}

int option_file_load(struct options *options, const char *path, postel_error *error)
{
        json_error_t fault;
        json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
        int failed;

        if (!object)
                failed = exit_status(refuse_syntax(error, &fault));
        else if (!json_is_object(object))
                failed = exit_status(
                        text_error(error, POSTEL_INVALID, "--options-file: must hold one JSON object"));
        else
                failed = add_all(options, object, error);
        json_decref(object);
        return failed;
}
