/* SPDX-License-Identifier: MIT */
#ifndef LIB_ENVELOPE_H
#define LIB_ENVELOPE_H

#include "wire/envelope.h"

/* What the envelope holds, as the wire layer sees it. POSTEL_INVALID or POSTEL_MEMORY: it may not be sent. */
postel_status envelope_view(const postel_envelope *envelope, struct envelope *view, postel_error *error);

#endif
