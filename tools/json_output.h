/* SPDX-License-Identifier: MIT */
#ifndef JSON_OUTPUT_H
#define JSON_OUTPUT_H

#include <jansson.h>

/* A JSON string of any octets; NULL when memory ran out. */
json_t *json_text(const char *text);

/* Appends and takes over `value`. When it cannot, the list is freed and cleared, and stays so. */
void json_append(json_t **list, json_t *value);

/*
 * A value as a line, LF included, to be freed with free(), and takes the value over. NULL when memory ran
 * out, also for a value that is NULL for this reason.
 */
char *json_line(json_t *value);

/*
 * Writes a value as one line to standard output, at once, and takes it over. NULL stands for one that did not
 * fit into memory, which is said on standard error.
 */
void json_write_line(json_t *value);

#endif
