/* SPDX-License-Identifier: MIT */
#ifndef LIB_MESSAGE_H
#define LIB_MESSAGE_H

#include "smtp/source.h"

/* What a message is read from. POSTEL_INVALID: there is none. */
postel_status message_source(const postel_message *message, struct source *source, postel_error *error);

#endif
