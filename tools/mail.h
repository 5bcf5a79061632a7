/* SPDX-License-Identifier: MIT */
#ifndef MAIL_H
#define MAIL_H

#include "options.h"

#include <postel/envelope.h>
#include <postel/message.h>

/* The options of every subcommand that sends, besides those of mail_parameters.h. */
extern const struct argp_option mail_address_options[];

/* One message and who it is for. Begins as zeroes; mail_deinit() frees it whatever comes. */
struct mail {
        char **recipients; /* as given, valid or not: an account of them is due in any case */
        size_t recipient_count;
        postel_envelope *envelope;
        postel_message *message;
};

/* Adds a recipient, with a copy of `address`. False when memory ran out. */
bool mail_add_recipient(struct mail *mail, const char *address);

/* Fills in the recipients; they stay on an error too, as far as they could be read. */
postel_status mail_read_recipients(struct mail *mail, const struct options *options, postel_error *error);

/* Makes the envelope and the message of the operand, and checks both. */
postel_status mail_compose(struct mail *mail, const struct options *options, postel_error *error);

/* Makes the envelope alone, unchecked. */
postel_status mail_compose_envelope(struct mail *mail, const struct options *options, postel_error *error);

/* Takes over a message, and what the options say of its content. NULL stands for memory that ran out. */
postel_status mail_take_message(
        struct mail *mail, postel_message *message, const struct options *options, postel_error *error);

void mail_deinit(struct mail *mail);

#endif
