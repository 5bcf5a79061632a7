/* SPDX-License-Identifier: MIT */
/*
 * The options on what to send, turned into an envelope and a message. Addresses are passed on untouched,
 * whatever octets are in them: the library is their judge.
 */

#include "mail.h"

#include "mail_parameters.h"
#include "option_values.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct argp_option mail_address_options[] = {
        { NULL, 0, NULL, 0, "What to send:", GROUP_WHAT },
        { "to", OPTION_TO, "ADDRESS", 0, "A recipient; may be given many times", GROUP_WHAT },
        { "to-file", OPTION_TO_FILE, "FILE", 0,
                "Recipients, one a line (- for standard input); blank lines are skipped", GROUP_WHAT },
        { "max-recipients", OPTION_MAX_RECIPIENTS, "N", 0, "Refuse a message with more recipients",
                GROUP_WHAT },
        { "max-octets", OPTION_MAX_OCTETS, "N", 0, "Refuse a message with more octets", GROUP_WHAT },
        { 0 },
};

static bool is_standard_input(const char *path)
{
        return path && strcmp(path, "-") == 0;
}

bool mail_add_recipient(struct mail *mail, const char *address)
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
                if (status == POSTEL_OK && line[strspn(line, " \t")] && !mail_add_recipient(mail, line))
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
                        "standard input already gives mail or recipients", error);
        if (is_recipients && is_message)
                return options_refuse(options, OPTION_TO_FILE, "standard input already gives mail", error);
        return POSTEL_OK;
}

postel_status mail_read_recipients(struct mail *mail, const struct options *options, postel_error *error)
{
        const struct option_texts *to = &options->values[OPTION_TO - OPTION_FIRST];
        postel_status status;

        for (size_t i = 0; i < to->count; i++) {
                if (!mail_add_recipient(mail, to->texts[i]))
                        return text_error(error, POSTEL_MEMORY, "out of memory");
        }
        status = check_standard_input(options, error);
        if (status == POSTEL_OK && options_given(options, OPTION_TO_FILE))
                status = read_recipient_file(mail, options, error);
        return status;
}

postel_status mail_compose_envelope(struct mail *mail, const struct options *options, postel_error *error)
{
        if (!options_given(options, OPTION_FROM))
                return options_refuse(options, OPTION_FROM, "is required, though it may be empty", error);
        mail->envelope = postel_envelope_new(options_text(options, OPTION_FROM));
        if (!mail->envelope)
                return text_error(error, POSTEL_MEMORY, "out of memory");
        for (size_t i = 0; i < mail->recipient_count; i++)
                postel_envelope_add_recipient(mail->envelope, mail->recipients[i]);
        return mail_parameters_set(mail->envelope, options, error);
}

postel_status mail_take_message(
        struct mail *mail, postel_message *message, const struct options *options, postel_error *error)
{
        unsigned refuse = 0;

        mail->message = message;
        if (!message)
                return text_error(error, POSTEL_MEMORY, "out of memory");

        postel_status status = mail_parameters_refuse(&refuse, options, error);
        if (status == POSTEL_OK)
                postel_message_set_refuse(message, refuse);
        return status;
}

static postel_message *operand_message(const char *path)
{
        return is_standard_input(path) ? postel_message_from_fd(STDIN_FILENO)
                                       : postel_message_from_path(path);
}

postel_status mail_compose(struct mail *mail, const struct options *options, postel_error *error)
{
        postel_status status = mail_compose_envelope(mail, options, error);

        if (status == POSTEL_OK)
                status = postel_envelope_check(mail->envelope, error);
        if (status == POSTEL_OK)
                status = mail_take_message(mail, operand_message(options->operand), options, error);
        return status == POSTEL_OK ? postel_message_check(mail->message, error) : status;
}

void mail_deinit(struct mail *mail)
{
        for (size_t i = 0; i < mail->recipient_count; i++)
                free(mail->recipients[i]);
        free(mail->recipients);
        postel_envelope_free(&mail->envelope);
        postel_message_free(&mail->message);
        *mail = (struct mail){ 0 };
}
