/* SPDX-License-Identifier: MIT */
#ifndef LINE_READER_H
#define LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

/* The most octets of a line. */
#define MAX_LINE_OCTETS ((size_t)64 * 1024 * 1024)

enum line_status {
        LINE_READ,
        LINE_TOO_LONG, /* what is left of it is skipped */
        LINE_END, /* of the input */
        LINE_FAULT, /* errno says which */
        LINE_STOPPED, /* by line_reader_stop() */
};

/* Lines out of a descriptor, which need never end. */
struct line_reader {
        int fd;
        int wake_fd;
        char *buffer;
        size_t room;
        size_t begin; /* of what was not given out yet */
        size_t end;
        bool is_skipping;
        bool is_at_end;
        unsigned long long line; /* the number of the line that was read last */
        unsigned long long octets; /* of all lines that were given out or skipped */
};

/* Reads from `fd`, which remains the caller's. False when no descriptor is left. */
bool line_reader_init(struct line_reader *reader, int fd);
void line_reader_deinit(struct line_reader *reader);

/*
 * Waits for the next line, and sets *text and *size to it, without its LF; borrowed until the next call. A
 * last line without LF is one, too.
 */
enum line_status line_reader_next(struct line_reader *reader, const char **text, size_t *size);

/* Ends a line_reader_next() of another thread, and all that come. May be called any number of times. */
void line_reader_stop(struct line_reader *reader);

#endif
