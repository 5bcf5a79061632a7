/* SPDX-License-Identifier: MIT */
/* Reading content from memory, descriptors, paths and callbacks. Knows nothing of how it is sent. */

#include "smtp/source.h"

#include "base/status.h"
#include "wire/body.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Four TLS records: large enough that system calls do not count, small enough for any cache. */
#define CHUNK_OCTETS 65536

static postel_status open_descriptor(struct source_reader *reader, postel_error *error)
{
        const struct source *source = reader->source;
        const char *name = source->kind == SOURCE_PATH ? source->path : "the descriptor";
        struct stat facts;

        /* Without O_NONBLOCK a FIFO nobody writes to would block in open(), where no deadline reaches. */
        reader->fd = source->kind == SOURCE_PATH ? open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                                                 : source->fd;
        if (reader->fd < 0 || fstat(reader->fd, &facts) != 0)
                return error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE,
                        reader->fd < 0 && source->kind == SOURCE_FD ? EBADF : errno,
                        "message: cannot open %s", name);
        if (S_ISDIR(facts.st_mode))
                return error_set_system(
                        error, POSTEL_IO, POSTEL_PHASE_NONE, EISDIR, "message: cannot read %s", name);
        reader->seekable = S_ISREG(facts.st_mode);
        if (reader->seekable && source->kind == SOURCE_FD) {
                reader->start = lseek(reader->fd, 0, SEEK_CUR);
                if (reader->start < 0)
                        return error_set_system(
                                error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "message: cannot read %s", name);
        }
        return POSTEL_OK;
}

postel_status source_open(struct source_reader *reader, const struct source *source, postel_error *error)
{
        postel_status status = POSTEL_OK;

        *reader = (struct source_reader){ .source = source, .fd = -1 };
        buffer_init(&reader->chunk, CHUNK_OCTETS);
        if (source->kind == SOURCE_SEGMENTS)
                reader->seekable = true;
        else if (source->kind != SOURCE_READER)
                status = open_descriptor(reader, error);
        if (status == POSTEL_OK && source->kind != SOURCE_SEGMENTS &&
                !buffer_reserve(&reader->chunk, CHUNK_OCTETS))
                status = error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        reader->offset = reader->start;
        return status;
}

void source_close(struct source_reader *reader)
{
        if (reader->source->kind == SOURCE_PATH && reader->fd >= 0)
                close(reader->fd);
        reader->fd = -1;
        buffer_deinit(&reader->chunk);
}

bool source_is_seekable(const struct source_reader *reader)
{
        return reader->seekable;
}

void source_rewind(struct source_reader *reader)
{
        reader->segment = 0;
        reader->offset = reader->start;
}

bool source_is_in_place(const struct source_reader *reader)
{
        return reader->source->kind == SOURCE_SEGMENTS;
}

/* What read() and its kind returned: octets, 0 at the end, or a negative number after a call that is to be
 * tried again. */
static postel_status read_file(struct source_reader *reader, size_t room, ssize_t *got, postel_error *error)
{
        *got = pread(reader->fd, reader->chunk.data + reader->chunk.size, room, reader->offset);
        if (*got < 0 && errno != EINTR)
                return error_set_system(
                        error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "message: reading failed");
        if (*got > 0)
                reader->offset += *got;
        return POSTEL_OK;
}

static postel_status read_pipe(struct source_reader *reader, struct stream *stream, struct deadline deadline,
        size_t room, ssize_t *got, postel_error *error)
{
        postel_status status = stream_wait_for_input(stream, reader->fd, deadline, error);

        if (status != POSTEL_OK)
                return status;
        *got = read(reader->fd, reader->chunk.data + reader->chunk.size, room);
        if (*got < 0 && errno != EINTR && errno != EAGAIN)
                return error_set_system(
                        error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "message: reading failed");
        return POSTEL_OK;
}

static postel_status read_callback(
        struct source_reader *reader, size_t room, ssize_t *got, postel_error *error)
{
        *got = reader->source->read(reader->source->user_data, reader->chunk.data + reader->chunk.size, room);
        if (*got < 0)
                return error_set(error, POSTEL_IO, POSTEL_PHASE_NONE, "message: the reader failed");
        if ((size_t)*got > room)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "message: the reader says that it gave more than it was asked for");
        return POSTEL_OK;
}

/* Fills the chunk or comes to the end: then the end mark can ride with the last octets. */
static postel_status fill_chunk(struct source_reader *reader, struct stream *stream, struct deadline deadline,
        bool *last, postel_error *error)
{
        postel_status status = POSTEL_OK;

        *last = false;
        buffer_truncate(&reader->chunk, 0);
        while (status == POSTEL_OK && !*last && reader->chunk.size < CHUNK_OCTETS) {
                size_t room = CHUNK_OCTETS - reader->chunk.size;
                ssize_t got = -1;
                if (reader->seekable)
                        status = read_file(reader, room, &got, error);
                else if (reader->source->kind == SOURCE_READER)
                        status = read_callback(reader, room, &got, error);
                else
                        status = read_pipe(reader, stream, deadline, room, &got, error);
                if (status == POSTEL_OK && got > 0)
                        reader->chunk.size += (size_t)got;
                *last = got == 0;
        }
        return status;
}

postel_status source_next(struct source_reader *reader, struct stream *stream, struct deadline deadline,
        const char **data, size_t *size, bool *last, postel_error *error)
{
        const struct source *source = reader->source;

        if (source->kind == SOURCE_SEGMENTS) {
                bool none = reader->segment == source->segment_count;
                *data = none ? "" : source->segments[reader->segment].data;
                *size = none ? 0 : source->segments[reader->segment].size;
                reader->segment += !none;
                *last = reader->segment == source->segment_count;
                return POSTEL_OK;
        }
        reader->begun = !reader->seekable;
        postel_status status = fill_chunk(reader, stream, deadline, last, error);
        *data = reader->chunk.data;
        *size = reader->chunk.size;
        return status;
}

static postel_status inspect_octets(
        struct body_framer *framer, const char *data, size_t size, postel_error *error)
{
        struct body_piece piece;

        for (size_t used; size; data += used, size -= used) {
                enum body_fault fault = body_framer_next(framer, data, size, &used, &piece);
                if (fault != BODY_OK)
                        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "message: %s",
                                body_fault_text(fault));
        }
        return POSTEL_OK;
}

postel_status source_inspect(struct source_reader *reader, struct stream *stream, struct deadline deadline,
        struct content_facts *facts, postel_error *error)
{
        struct body_framer framer;
        struct body_piece piece;
        const char *data;
        size_t size;
        bool last;

        *facts = (struct content_facts){ 0 };
        if (!reader->seekable) {
                facts->size_known = reader->source->kind == SOURCE_READER && reader->source->size_hint >= 0;
                facts->size = facts->size_known ? (uint64_t)reader->source->size_hint : 0;
                return POSTEL_OK;
        }
        body_framer_init(&framer, reader->source->refuse);
        do {
                postel_status status = source_next(reader, stream, deadline, &data, &size, &last, error);
                if (status == POSTEL_OK)
                        status = inspect_octets(&framer, data, size, error);
                if (status != POSTEL_OK)
                        return status;
                if (deadline_passed(deadline))
                        return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_NONE,
                                "the time ran out while the message was read");
        } while (!last);
        enum body_fault fault = body_framer_end(&framer, &piece);
        if (fault != BODY_OK)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_NONE, "message: %s", body_fault_text(fault));
        source_rewind(reader);
        *facts = (struct content_facts){ true, framer.content_size, true, framer.eight_bit };
        return POSTEL_OK;
}
