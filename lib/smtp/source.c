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

static postel_status unreadable(
        const struct source *source, const char *what, int system_error, postel_error *error)
{
        return error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE, system_error, "message: cannot %s %s",
                what, source->kind == SOURCE_PATH ? source->path : "the descriptor");
}

static postel_status open_descriptor(struct source_reader *reader, postel_error *error)
{
        const struct source *source = reader->source;
        struct stat facts;

        /* Without O_NONBLOCK a FIFO nobody writes to would block in open(), where no deadline reaches. */
        reader->fd = source->kind == SOURCE_PATH ? open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                                                 : source->fd;
        if (reader->fd < 0)
                return unreadable(source, "open", source->kind == SOURCE_PATH ? errno : EBADF, error);
        int flags = fcntl(reader->fd, F_GETFL);
        if (flags < 0 || fstat(reader->fd, &facts) != 0)
                return unreadable(source, "open", errno, error);
        if (S_ISDIR(facts.st_mode))
                return unreadable(source, "read", EISDIR, error);
        /* The writing end of a pipe would never become readable, rather than fail. */
        if ((flags & O_ACCMODE) == O_WRONLY || flags & O_PATH)
                return unreadable(source, "read", EBADF, error);
        reader->seekable = S_ISREG(facts.st_mode);
        /* Opening a FIFO and closing it again takes its writer away. */
        reader->begun = source->kind == SOURCE_PATH && !reader->seekable;
        if (reader->seekable && source->kind == SOURCE_FD) {
                reader->start = lseek(reader->fd, 0, SEEK_CUR);
                if (reader->start < 0)
                        return unreadable(source, "read", errno, error);
        }
        return POSTEL_OK;
}

postel_status source_open(struct source_reader *reader, const struct source *source, postel_error *error)
{
        postel_status status = POSTEL_OK;

        *reader = (struct source_reader){ .source = source, .fd = -1, .end = -1 };
        buffer_init(&reader->chunk, CHUNK_OCTETS);
        if (source->kind == SOURCE_SEGMENTS)
                reader->seekable = true;
        else if (source->kind != SOURCE_READER)
                status = open_descriptor(reader, error);
        if (status == POSTEL_OK && source->kind != SOURCE_SEGMENTS &&
                !buffer_reserve(&reader->chunk, CHUNK_OCTETS))
                status = error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        reader->offset = reader->start;
        if (source->kind == SOURCE_READER && source->size_hint >= 0)
                reader->end = source->size_hint;
        return status;
}

postel_status source_check(const struct source *source, postel_error *error)
{
        struct source_reader reader = { .source = source, .fd = -1 };
        postel_status status = POSTEL_OK;
        struct stat facts;

        /* Opening a FIFO and closing it again would let its writer run into a pipe without a reader. */
        if (source->kind == SOURCE_PATH && stat(source->path, &facts) == 0 && S_ISFIFO(facts.st_mode))
                status = access(source->path, R_OK) == 0 ? POSTEL_OK
                                                         : unreadable(source, "open", errno, error);
        else if (source->kind == SOURCE_FD || source->kind == SOURCE_PATH)
                status = open_descriptor(&reader, error);
        source_close(&reader);
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
        /* What was looked through is the message, whatever has been appended to the file since. */
        if (reader->end >= 0 && (long long)room > reader->end - reader->offset)
                room = (size_t)(reader->end - reader->offset);
        *got = pread(reader->fd, reader->chunk.data + reader->chunk.size, room, reader->offset);
        if (*got < 0 && errno != EINTR)
                return error_set_system(
                        error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "message: reading failed");
        if (*got > 0)
                reader->offset += *got;
        if (*got == 0 && reader->offset < reader->end)
                return error_set(
                        error, POSTEL_IO, POSTEL_PHASE_NONE, "message: became shorter while it was read");
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
        size_t count = SIZE_MAX;
        void *buffer = reader->chunk.data + reader->chunk.size;

        if (reader->source->read(reader->source->user_data, buffer, room, &count) != 0 || count == SIZE_MAX)
                return error_set(error, POSTEL_IO, POSTEL_PHASE_NONE, "message: the reader failed");
        if (count > room)
                return error_set(error, POSTEL_IO, POSTEL_PHASE_NONE,
                        "message: the reader says that it gave more than it was asked for");
        *got = (ssize_t)count;
        reader->offset += *got;
        bool differs = count ? reader->offset > reader->end : reader->offset < reader->end;
        if (reader->end >= 0 && differs)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "message: the reader gave %s octets than the %lld that were announced",
                        count ? "more" : "fewer", reader->end);
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
                if (status == POSTEL_OK)
                        status = stream_check(stream, deadline, error);
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

static postel_status inspect_part(
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

/* In parts, so that a large message cannot outstay the call. */
static postel_status inspect_octets(struct body_framer *framer, const char *data, size_t size,
        struct stream *stream, struct deadline deadline, postel_error *error)
{
        postel_status status = POSTEL_OK;

        for (size_t part; status == POSTEL_OK && size; data += part, size -= part) {
                part = size < CHUNK_OCTETS ? size : CHUNK_OCTETS;
                status = inspect_part(framer, data, part, error);
                if (status == POSTEL_OK)
                        status = stream_check(stream, deadline, error);
        }
        return status;
}

static struct content_facts facts_of(const struct body_framer *framer)
{
        return (struct content_facts){
                .size_known = true,
                .size = framer->content_size,
                .looked_at = true,
                .eight_bit = framer->eight_bit,
                .utf8_header = framer->header_eight_bit && !framer->header_not_utf8,
                .like_commands = framer->like_commands,
                .unchanged = !framer->changed,
        };
}

/* Nobody can say how a server would read the lines of what has none. */
static struct content_facts facts_of_binary(const struct body_framer *framer)
{
        return (struct content_facts){ .size_known = true,
                .size = framer->content_size,
                .looked_at = true,
                .eight_bit = true,
                .like_commands = true,
                .unchanged = true };
}

postel_status source_inspect(struct source_reader *reader, bool binary, struct stream *stream,
        struct deadline deadline, struct content_facts *facts, postel_error *error)
{
        struct body_framer framer;
        struct body_piece piece;
        const char *data;
        size_t size;
        bool last;

        *facts = (struct content_facts){ .like_commands = true };
        if (!reader->seekable) {
                facts->size_known = reader->source->kind == SOURCE_READER && reader->source->size_hint >= 0;
                facts->size = facts->size_known ? (uint64_t)reader->source->size_hint : 0;
                return POSTEL_OK;
        }
        if (binary)
                body_framer_init(&framer, BODY_BINARY, 0);
        else
                body_framer_init_curious(&framer, reader->source->refuse);
        do {
                postel_status status = source_next(reader, stream, deadline, &data, &size, &last, error);
                if (status == POSTEL_OK)
                        status = inspect_octets(&framer, data, size, stream, deadline, error);
                if (status != POSTEL_OK)
                        return status;
        } while (!last);
        enum body_fault fault = body_framer_end(&framer, &piece);
        if (fault != BODY_OK)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_NONE, "message: %s", body_fault_text(fault));
        reader->end = reader->offset;
        source_rewind(reader);
        *facts = binary ? facts_of_binary(&framer) : facts_of(&framer);
        return POSTEL_OK;
}
