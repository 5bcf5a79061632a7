/* SPDX-License-Identifier: MIT */
#ifndef SINK_ADDRESS_H
#define SINK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct path {
        const char *address; /* without the angle brackets, not NUL-terminated */
        size_t length;
        bool is_ascii;
        const char *rest; /* behind the bracket: "" or a blank and parameters */
};

/* Reads "<...>". False when that is not what the text begins with, or when it holds what a path cannot. */
bool path_parse(const char *text, struct path *path);

#endif
