/* SPDX-License-Identifier: MIT */
#ifndef MAIL_PARAMETERS_H
#define MAIL_PARAMETERS_H

#include "options.h"

#include <postel/envelope.h>

/* What may be said of one message, as an option and in a line of a batch: the sender and all parameters. */
extern const struct argp_option mail_parameter_options[];

/* Gives the parameters to an envelope that has its recipients. */
postel_status mail_parameters_set(
        postel_envelope *envelope, const struct options *options, postel_error *error);

/* What of the content is to be refused: POSTEL_REFUSE_ values. */
postel_status mail_parameters_refuse(unsigned *refuse, const struct options *options, postel_error *error);

/* "never", or a list of the other words, as POSTEL_NOTIFY_ values. False when it is none. */
bool parse_notify(const char *text, unsigned *notify);

/* The rule that such a text breaks. */
#define NOTIFY_RULE "must be never, or any of success,failure,delay"

#endif
