/* SPDX-License-Identifier: MIT */
#ifndef OPTION_FILE_H
#define OPTION_FILE_H

#include "options.h"

/*
 * Adds what the JSON object in the file at `path` says of options that have no value yet. Returns 0, EX_USAGE
 * for an option that is not known, or the exit status of another error; `error` is filled in then.
 */
int option_file_load(struct options *options, const char *path, postel_error *error);

#endif
