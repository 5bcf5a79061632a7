/* SPDX-License-Identifier: MIT */
/*
 * The options on what to send, turned into an envelope and a message. Addresses and parameters are passed on
 * untouched, whatever octets are in them: the library is their judge.
 */

#include "mail.h"

#include "option_values.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct argp_option mail_options[] = {
        { NULL, 0, NULL, 0, "What to send:", GROUP_WHAT },
        { "from", OPTION_FROM, "ADDRESS", 0, "The sender, required; empty for the null reverse-path",
                GROUP_WHAT },
        { "to", OPTION_TO, "ADDRESS", 0, "A recipient; may be given many times", GROUP_WHAT },
        { "to-file", OPTION_TO_FILE, "FILE", 0,
                "Recipients, one a line (- for standard input); blank lines are skipped", GROUP_WHAT },
        { "ret", OPTION_RET, "WHAT", 0, "What notifications bring back: full or hdrs", GROUP_WHAT },
        { "envid", OPTION_ENVID, "ID", 0, "An identifier that comes back in notifications", GROUP_WHAT },
        { "notify", OPTION_NOTIFY, "WHEN", 0,
                "When notifications are wanted: never, or any of success,failure,delay", GROUP_WHAT },
        { "orcpt", OPTION_ORCPT, "TYPE;ADDRESS", 0, "The original recipient; needs exactly one recipient",
                GROUP_WHAT },
        { "body", OPTION_BODY, "KIND", 0, "auto (the default), 7bit or 8bitmime", GROUP_WHAT },
        { "newlines", OPTION_NEWLINES, "RULE", 0,
                "normalize (the default) or refuse a lone CR or LF in the message", GROUP_WHAT },
        { "max-line", OPTION_MAX_LINE, "RULE", 0, "refuse lines over 998 octets, or pass them (the default)",
                GROUP_WHAT },
        { 0 },
};

static const struct option_choice ret_choices[] = {
        { "full", POSTEL_RET_FULL },
        { "hdrs", POSTEL_RET_HDRS },
        { NULL, 0 },
};

static const struct option_choice notify_choices[] = {
        { "never", POSTEL_NOTIFY_NEVER },
        { "success", POSTEL_NOTIFY_SUCCESS },
        { "failure", POSTEL_NOTIFY_FAILURE },
        { "delay", POSTEL_NOTIFY_DELAY },
        { NULL, 0 },
};

static const struct option_choice body_choices[] = {
        { "auto", POSTEL_BODY_AUTO },
        { "7bit", POSTEL_BODY_7BIT },
        { "8bitmime", POSTEL_BODY_8BITMIME },
        { NULL, 0 },
};

static const struct option_choice newlines_choices[] = {
        { "normalize", 0 },
        { "refuse", POSTEL_REFUSE_BARE_NEWLINES },
        { NULL, 0 },
};

static const struct option_choice max_line_choices[] = {
        { "pass", 0 },
        { "refuse", POSTEL_REFUSE_LONG_LINES },
        { NULL, 0 },
};

static bool is_standard_input(const char *path)
{
        return path && strcmp(path, "-") == 0;
}

static bool add_recipient(struct mail *mail, const char *address)
{
        char **recipients = reallocarray(mail->recipients, mail->recipient_count + 1, sizeof(*recipients));

        if (!recipients)
                return false;
        mail->recipients = recipients;
        recipients[mail->recipient_count] = strdup(address);
        if (!recipients[mail->recipient_count])
                return false;
        mail->recipient_count++;
        return true;
}

static void strip_line_end(char *line)
{
        size_t size = strlen(line);

        if (size && line[size - 1] == '\n')
                line[--size] = '\0';
        if (size && line[size - 1] == '\r')
                line[--size] = '\0';
}

static postel_status read_lines(
        struct mail *mail, FILE *file, const struct options *options, postel_error *error)
{
        char *line = NULL;
        size_t room = 0;
        ssize_t size;
        postel_status status = POSTEL_OK;

        while (status == POSTEL_OK && (size = getline(&line, &room, file)) >= 0) {
                if (memchr(line, '\0', (size_t)size))
                        status = options_refuse(options, OPTION_TO_FILE, "holds a NUL octet", error);
                else
                        strip_line_end(line);
                if (status == POSTEL_OK && line[strspn(line, " \t")] && !add_recipient(mail, line))
                        status = text_error(error, POSTEL_MEMORY, "out of memory");
        }
        if (status == POSTEL_OK && !feof(file))
                status = options_refuse(options, OPTION_TO_FILE, strerror(errno), error);
        free(line);
        return status;
}

static postel_status read_recipient_file(
        struct mail *mail, const struct options *options, postel_error *error)
{
        const char *path = options_text(options, OPTION_TO_FILE);
        FILE *file = is_standard_input(path) ? stdin : fopen(path, "re");
        postel_status status;

        if (!file)
                return options_refuse(options, OPTION_TO_FILE, strerror(errno), error);
        status = read_lines(mail, file, options, error);
        if (file != stdin)
                fclose(file);
        return status;
}

/* Two readers of standard input would each get a part of it: of a password, at worst. */
static postel_status check_standard_input(const struct options *options, postel_error *error)
{
        bool is_message = is_standard_input(options->operand);
        bool is_recipients = is_standard_input(options_text(options, OPTION_TO_FILE));
        bool is_password = is_standard_input(options_text(options, OPTION_PASSWORD_FILE));

        if (is_password && (is_message || is_recipients))
                return options_refuse(options, OPTION_PASSWORD_FILE,
                        "standard input already gives the message or the recipients", error);
        if (is_recipients && is_message)
                return options_refuse(
                        options, OPTION_TO_FILE, "standard input already gives the message", error);
        return POSTEL_OK;
}

postel_status mail_read_recipients(struct mail *mail, const struct options *options, postel_error *error)
{
        const struct option_texts *to = &options->values[OPTION_TO - OPTION_FIRST];
        postel_status status;

        for (size_t i = 0; i < to->count; i++) {
                if (!add_recipient(mail, to->texts[i]))
                        return text_error(error, POSTEL_MEMORY, "out of memory");
        }
        status = check_standard_input(options, error);
        if (status == POSTEL_OK && options_given(options, OPTION_TO_FILE))
                status = read_recipient_file(mail, options, error);
        return status;
}

/* The values of a list are joined as bits: that "never" stands alone is for the library to say. */
static postel_status parse_notify(const struct options *options, unsigned *notify, postel_error *error)
{
        const char *text = options_text(options, OPTION_NOTIFY);

        while (text) {
                size_t length = strcspn(text, ",");
                const struct option_choice *choice = notify_choices;

                while (choice->name &&
                        (strlen(choice->name) != length || strncmp(choice->name, text, length)))
                        choice++;
                if (!choice->name)
                        return options_refuse(options, OPTION_NOTIFY,
                                "must be never, or any of success,failure,delay", error);
                *notify |= (unsigned)choice->value;
                text = text[length] ? text + length + 1 : NULL;
        }
        return POSTEL_OK;
}

static postel_status set_parameters(struct mail *mail, const struct options *options, postel_error *error)
{
        int ret = POSTEL_RET_UNSET;
        int body = POSTEL_BODY_AUTO;
        unsigned notify = 0;
        postel_status status = options_choice(options, OPTION_RET, ret_choices, &ret, error);

        if (status == POSTEL_OK)
                status = options_choice(options, OPTION_BODY, body_choices, &body, error);
        if (status == POSTEL_OK)
                status = parse_notify(options, &notify, error);
        if (status == POSTEL_OK && options_given(options, OPTION_ORCPT) && mail->recipient_count != 1)
                status = options_refuse(options, OPTION_ORCPT, "needs exactly one recipient", error);
        if (status != POSTEL_OK)
                return status;
        postel_envelope_set_ret(mail->envelope, (postel_ret)ret);
        postel_envelope_set_body(mail->envelope, (postel_body)body);
        postel_envelope_set_envid(mail->envelope, options_text(options, OPTION_ENVID));
        for (size_t i = 0; i < mail->recipient_count; i++)
                postel_envelope_set_notify(mail->envelope, i, notify);
        if (options_given(options, OPTION_ORCPT))
                postel_envelope_set_orcpt(mail->envelope, 0, options_text(options, OPTION_ORCPT));
        return POSTEL_OK;
}

static postel_status compose_envelope(struct mail *mail, const struct options *options, postel_error *error)
{
        postel_status status;

        if (!options_given(options, OPTION_FROM))
                return options_refuse(options, OPTION_FROM, "is required, though it may be empty", error);
        mail->envelope = postel_envelope_new(options_text(options, OPTION_FROM));
        if (!mail->envelope)
                return text_error(error, POSTEL_MEMORY, "out of memory");
        for (size_t i = 0; i < mail->recipient_count; i++)
                postel_envelope_add_recipient(mail->envelope, mail->recipients[i]);
        status = set_parameters(mail, options, error);
        return status == POSTEL_OK ? postel_envelope_check(mail->envelope, error) : status;
}

static postel_status compose_message(struct mail *mail, const struct options *options, postel_error *error)
{
        int newlines = 0;
        int max_line = 0;
        postel_status status = options_choice(options, OPTION_NEWLINES, newlines_choices, &newlines, error);

        if (status == POSTEL_OK)
                status = options_choice(options, OPTION_MAX_LINE, max_line_choices, &max_line, error);
        if (status != POSTEL_OK)
                return status;
        mail->message = is_standard_input(options->operand) ? postel_message_from_fd(STDIN_FILENO)
                                                            : postel_message_from_path(options->operand);
        if (!mail->message)
                return text_error(error, POSTEL_MEMORY, "out of memory");
        postel_message_set_refuse(mail->message, (unsigned)newlines | (unsigned)max_line);
        return POSTEL_OK;
}

postel_status mail_compose(struct mail *mail, const struct options *options, postel_error *error)
{
        postel_status status = compose_envelope(mail, options, error);

        if (status == POSTEL_OK)
                status = compose_message(mail, options, error);
        return status == POSTEL_OK ? postel_message_check(mail->message, error) : status;
}

void mail_deinit(struct mail *mail)
{
        for (size_t i = 0; i < mail->recipient_count; i++)
                free(mail->recipients[i]);
        free(mail->recipients);
        postel_envelope_free(&mail->envelope);
        postel_message_free(&mail->message);
}
