/* SPDX-License-Identifier: MIT */
/* Stdio would neither bound a line nor let a signal end the wait for one. */

#include "line_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FIRST_ROOM ((size_t)64 * 1024)
/* A buffer that a rare long line made this large is given back. */
#define KEPT_ROOM ((size_t)1024 * 1024)

bool line_reader_init(struct line_reader *reader, int fd)
{
        *reader = (struct line_reader){ .fd = fd, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
        return reader->wake_fd >= 0;
}

void line_reader_deinit(struct line_reader *reader)
{
        if (reader->wake_fd >= 0)
                close(reader->wake_fd);
        free(reader->buffer);
        *reader = (struct line_reader){ .fd = -1, .wake_fd = -1 };
}

void line_reader_stop(struct line_reader *reader)
{
        uint64_t one = 1;

        while (write(reader->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
                ;
}

/* Brings what was not given out to the front, and makes room behind it. */
static bool make_room(struct line_reader *reader)
{
        size_t kept = reader->end - reader->begin;
        size_t room = reader->room;

        if (reader->begin)
                memmove(reader->buffer, reader->buffer + reader->begin, kept);
        reader->begin = 0;
        reader->end = kept;
        if (!kept && room > KEPT_ROOM) {
                free(reader->buffer);
                reader->buffer = NULL;
                room = 0;
        }
        if (!room)
                room = FIRST_ROOM;
        else if (kept == room)
                room *= 2;
        if (room == reader->room)
                return true;

        char *buffer = realloc(reader->buffer, room);
        if (!buffer)
                return false;
        reader->buffer = buffer;
        reader->room = room;
        return true;
}

static enum line_status fill(struct line_reader *reader)
{
        struct pollfd ready[] = { { .fd = reader->fd, .events = POLLIN },
                { .fd = reader->wake_fd, .events = POLLIN } };
        ssize_t got;

        if (!make_room(reader))
                return LINE_FAULT;
        do {
                if (poll(ready, 2, -1) < 0 && errno != EINTR)
                        return LINE_FAULT;
                if (ready[1].revents)
                        return LINE_STOPPED;
                got = read(reader->fd, reader->buffer + reader->end, reader->room - reader->end);
        } while (got < 0 && (errno == EINTR || errno == EAGAIN));
        if (got < 0)
                return LINE_FAULT;
        reader->is_at_end = got == 0;
        reader->end += (size_t)got;
        return LINE_READ;
}

/* Gives out `size` octets and `end` more that end them. */
static enum line_status give(
        struct line_reader *reader, const char **text, size_t *size, size_t length, size_t end)
{
        *text = reader->buffer + reader->begin;
        *size = length;
        reader->begin += length + end;
        reader->octets += length + end;
        reader->line++;
        return LINE_READ;
}

static void skip(struct line_reader *reader, size_t octets)
{
        reader->begin += octets;
        reader->octets += octets;
}

enum line_status line_reader_next(struct line_reader *reader, const char **text, size_t *size)
{
        size_t seen = 0;

        for (;;) {
                size_t waiting = reader->end - reader->begin;
                const char *from = waiting ? reader->buffer + reader->begin : NULL;
                const char *newline = waiting > seen ? memchr(from + seen, '\n', waiting - seen) : NULL;

                if (newline && reader->is_skipping) {
                        skip(reader, (size_t)(newline - from) + 1);
                        reader->is_skipping = false;
                        continue;
                }
                if (newline && (size_t)(newline - from) <= MAX_LINE_OCTETS)
                        return give(reader, text, size, (size_t)(newline - from), 1);
                if (reader->is_skipping) {
                        skip(reader, waiting);
                } else if (waiting > MAX_LINE_OCTETS) {
                        reader->is_skipping = true;
                        reader->line++;
                        return LINE_TOO_LONG;
                } else {
                        seen = waiting;
                }
                if (reader->is_at_end)
                        return reader->end > reader->begin ? give(reader, text, size, waiting, 0) : LINE_END;

                enum line_status status = fill(reader);
                if (status != LINE_READ)
                        return status;
        }
}
