/* SPDX-License-Identifier: MIT */
#ifndef SINK_OPTIONS_H
#define SINK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct settings;

void settings_init(struct settings *settings);
void settings_deinit(struct settings *settings);

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_BAD };

/* Reads the command line. What is wrong with it has been said on stderr when it returns OPTIONS_BAD. */
enum options_result options_parse(struct settings *settings, int argc, char **argv);

/* Changes one option at run time; the caller holds the settings lock for writing. NULL, or what is wrong. */
const char *options_set(struct settings *settings, const char *name, const char *value);
const char *options_clear(struct settings *settings, const char *name);

#endif
