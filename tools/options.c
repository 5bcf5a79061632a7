/* SPDX-License-Identifier: MIT */
/* The command line, by argp: it also writes --help out of the tables of options. */

#include "options.h"

#include "exit_status.h"
#include "option_file.h"
#include "option_values.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse {
        struct options *options;
        const struct options_syntax *syntax;
};

bool options_add(struct options *options, enum option_id option, const char *text)
{
        struct option_texts *value = &options->values[option - OPTION_FIRST];
        char **texts = reallocarray(value->texts, value->count + 1, sizeof(*texts));

        if (!texts)
                return false;
        value->texts = texts;
        texts[value->count] = strdup(text);
        if (!texts[value->count])
                return false;
        value->count++;
        return true;
}

void options_free(struct options *options)
{
        for (size_t i = 0; i < OPTION_COUNT; i++) {
                for (size_t k = 0; k < options->values[i].count; k++)
                        free(options->values[i].texts[k]);
                free(options->values[i].texts);
        }
        *options = (struct options){ 0 };
}

static error_t take_argument(int key, char *argument, struct argp_state *state)
{
        struct parse *parse = state->input;

        if (key >= OPTION_FIRST && key < OPTION_END) {
                const char *text = argument ? argument : OPTION_FLAG_SET;

                return options_add(parse->options, (enum option_id)key, text) ? 0 : ENOMEM;
        }
        switch (key) {
        case ARGP_KEY_ARG:
                if (!parse->syntax->operand || parse->options->operand)
                        return ARGP_ERR_UNKNOWN;
                parse->options->operand = argument;
                return 0;
        case ARGP_KEY_END:
                if (parse->syntax->operand && !parse->syntax->is_operand_optional && !parse->options->operand)
                        argp_error(state, "%s is missing", parse->syntax->operand);
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static void join_tables(struct options *options, const struct options_syntax *syntax)
{
        size_t count = 0;

        for (const struct argp_option *const *table = syntax->tables; *table; table++) {
                for (const struct argp_option *option = *table; option->name || option->doc; option++)
                        options->known[count++] = *option;
        }
}

int options_parse(struct options *options, const struct options_syntax *syntax, int argc, char **argv,
        postel_error *error)
{
        struct parse parse = { options, syntax };
        const struct argp argp = {
                .options = options->known,
                .parser = take_argument,
                .args_doc = syntax->operand,
                .doc = syntax->help,
        };

        join_tables(options, syntax);
        if (argp_parse(&argp, argc, argv, 0, NULL, &parse) != 0)
                return exit_status(
                        text_error(error, POSTEL_MEMORY, "the command line does not fit into memory"));
        if (!options_given(options, OPTION_OPTIONS_FILE))
                return EX_OK;

        int failed = option_file_load(options, options_text(options, OPTION_OPTIONS_FILE), error);
        if (failed == EX_USAGE) {
                fprintf(stderr, "%s: ", argv[0]);
                text_write(stderr, error->message);
                fprintf(stderr, "\nTry `%s --help' for more information.\n", argv[0]);
        }
        return failed;
}
