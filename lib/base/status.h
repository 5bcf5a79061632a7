/* SPDX-License-Identifier: MIT */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

/* Filling in a postel_error. Nothing here allocates, so that an error can always be told. */

#include <postel/error.h>

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/*
 * Writes an error and returns its status, for `return error_set(...)`. `error` may be NULL. A text that is
 * too long is cut at a whole character; control octets in it are shown as escapes, whoever wrote them.
 */
postel_status error_set(postel_error *error, postel_status status, postel_phase phase, const char *format,
        ...) PRINTF_LIKE(4, 5);

/* The same for a system call that failed: errno and its text are added. */
postel_status error_set_system(postel_error *error, postel_status status, postel_phase phase,
        int system_error, const char *format, ...) PRINTF_LIKE(5, 6);

/* The end of a public call: `fault` becomes the caller's error unless all is well. Returns `status`. */
postel_status error_report(postel_error *error, postel_status status, const postel_error *fault);

/* Copies `from` where the caller wants it, and returns its status. */
postel_status error_copy(postel_error *error, const postel_error *from);

/*
 * Writes `text` into `out` (of `size` octets, at least 1) as printable UTF-8: control octets and what is no
 * UTF-8 as \xNN, LF as a space. Cut at a whole character. Returns the octets written, without the NUL.
 */
size_t text_escape(char *out, size_t size, const char *text, size_t text_size);

#endif
