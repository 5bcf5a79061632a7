/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_MESSAGE_H
#define POSTEL_MESSAGE_H

/*
 * The content of a message: header section, empty line and body, as octets. Postel reads it where it lies, in
 * constant memory, and changes nothing but this (signatures survive):
 *  - a lone LF or a lone CR becomes CRLF, or is refused by choice;
 *  - a final CRLF is supplied where it is missing;
 *  - dots that begin lines are doubled for DATA and undoubled by the server (RFC 5321 section 4.5.2).
 *
 * A NUL octet is refused (RFC 5321 section 2.3.8 and RFC 5322). Lines may be of any length unless the caller
 * asks otherwise. With POSTEL_BODY_BINARYMIME (envelope.h) none of this applies: any octets, unchanged.
 *
 * What can be read twice (memory, a path, a regular file) is looked through before MAIL: size, 8-bit octets
 * and what is refused are known before anything is written. What cannot (a pipe, a callback) is checked while
 * it is sent; when it breaks a rule half-way, the session is given up and the message never ends: no half
 * message is ever delivered.
 *
 * A message from memory, a path or a regular file may be used for any number of sends, also from several
 * threads at once. One from a pipe or a callback serves one send.
 *
 *     postel_message *message = postel_message_from_path("report.eml");
 *     status = postel_send_with_params(connection, envelope, message, -1, &result, &error);
 *     postel_message_free(&message);
 */

#include <postel/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postel_message postel_message;

/* A part of a message in memory: like struct iovec, without its header. */
typedef struct postel_segment {
        const void *data;
        size_t size; /* octets; data may be NULL when it is 0 */
} postel_segment;

/*
 * Puts up to `size` (at least 1) octets of the message into `buffer`, their number into *count (0 at the
 * end), and returns 0. Anything else that it returns, a *count above `size` or one that was not written ends
 * the send as POSTEL_IO: a callback that breaks down in another language can neither pass on garbage nor end
 * a message early.
 *
 * Called by the sending thread while the connection is in use and no other lock is held. It may block (its
 * time is the call's time, and a call that does not return cannot be interrupted); it must not call into the
 * same connection.
 */
typedef int (*postel_read_function)(void *user_data, void *buffer, size_t size, size_t *count);

/*
 * Each returns a message to be freed with postel_message_free(), or NULL when memory ran out (also for NULL
 * arguments that may not be NULL). What they point to is borrowed and must stay unchanged until the message
 * is freed:
 *  - memory: `size` octets at `data`;
 *  - copy: the same, but nothing is borrowed: for languages whose memory moves;
 *  - segments: `count` parts, sent one after the other; the array is copied, the parts are not;
 *  - fd: a descriptor, read from its present offset to its end, never closed. The offset of a regular file
 * does not move. While a pipe is waited for, what the server says is heard only with the next octets; the
 * deadline and interrupts hold;
 *  - path: copied; opened at each send. A file that cannot be opened or read is POSTEL_IO then;
 *  - reader: a callback, with the number of octets it will give before newlines are changed, or -1 when not
 * known.
 */
POSTEL_API postel_message *postel_message_from_memory(const void *data, size_t size);
POSTEL_API postel_message *postel_message_from_copy(const void *data, size_t size);
POSTEL_API postel_message *postel_message_from_segments(const postel_segment *segments, size_t count);
POSTEL_API postel_message *postel_message_from_fd(int fd);
POSTEL_API postel_message *postel_message_from_path(const char *path);
POSTEL_API postel_message *postel_message_from_reader(
        postel_read_function read, void *user_data, long long size);

/* Clears *message; NULL and a cleared pointer are accepted. */
POSTEL_API void postel_message_free(postel_message **message);

/* What to refuse as POSTEL_INVALID rather than to mend or to pass on; joined by `|`, 0 by default. */
enum {
        POSTEL_REFUSE_BARE_NEWLINES = 1, /* a CR without LF, an LF without CR */
        POSTEL_REFUSE_LONG_LINES = 2 /* over 998 octets and CRLF (RFC 5322 section 2.1.1) */
};

POSTEL_API void postel_message_set_refuse(postel_message *message, unsigned refuse);

/*
 * Whether the message can be read as far as that is known without reading it: POSTEL_OK; POSTEL_INVALID (the
 * message or what to refuse); POSTEL_IO (a path or a descriptor that cannot be opened or read). Every send
 * asks this first, before it waits for a session. Blocks only on the filesystem.
 */
POSTEL_API postel_status postel_message_check(const postel_message *message, postel_error *error);

#ifdef __cplusplus
}
#endif

#endif
