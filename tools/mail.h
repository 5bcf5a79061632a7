/* SPDX-License-Identifier: MIT */
#ifndef MAIL_H
#define MAIL_H

#include "options.h"

#include <postel/envelope.h>
#include <postel/message.h>

/* The options of every subcommand that sends: sender, recipients and their parameters. */
extern const struct argp_option mail_options[];

/* One message and who it is for. Begins as zeroes; mail_deinit() frees it whatever comes. */
struct mail {
        char **recipients; /* as given, valid or not: an account of them is due in any case */
        size_t recipient_count;
        postel_envelope *envelope;
        postel_message *message;
};

/* Fills in the recipients; they stay on an error too, as far as they could be read. */
postel_status mail_read_recipients(struct mail *mail, const struct options *options, postel_error *error);

/* Makes the envelope and the message, and checks both. */
postel_status mail_compose(struct mail *mail, const struct options *options, postel_error *error);

void mail_deinit(struct mail *mail);

#endif
