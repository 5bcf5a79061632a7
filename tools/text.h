/* SPDX-License-Identifier: MIT */
#ifndef TEXT_H
#define TEXT_H

#include <postel/error.h>

#include <stdio.h>

/* Writes `text` so that it can neither break a line nor steer a terminal: control octets and what is not
 * UTF-8 as \xNN, LF as \n. */
void text_write(FILE *out, const char *text);

/* A copy in which every octet that is not UTF-8 has become U+FFFD; for free(). NULL when memory ran out. */
char *text_to_utf8(const char *text);

/* Fills `error` with a fault that the command itself found, and returns its status. */
postel_status text_error(postel_error *error, postel_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
