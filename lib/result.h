/* SPDX-License-Identifier: MIT */
#ifndef LIB_RESULT_H
#define LIB_RESULT_H

#include "smtp/delivery.h"
#include "wire/envelope.h"

#include <postel/result.h>

/* The account of a send, in one allocation. NULL: out of memory. */
postel_result *result_new(const struct delivery *delivery, postel_status status);

/* The account of a send that never began: everybody is NOT_SENT, because of `fault`. */
postel_result *result_new_unsent(const struct envelope *envelope, const postel_error *fault);

#endif
