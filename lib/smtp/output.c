/* SPDX-License-Identifier: MIT */
/* The queue of what is to be written. Knows no replies and no time. */

#include "smtp/output.h"

#include <assert.h>

void output_init(struct output *output)
{
        *output = (struct output){ .from = 0 };
        buffer_init(&output->scratch, OUTPUT_SCRATCH_OCTETS);
}

void output_deinit(struct output *output)
{
        buffer_wipe(&output->scratch);
        buffer_deinit(&output->scratch);
}

bool output_is_empty(const struct output *output)
{
        return output->from == output->to;
}

bool output_has_room(const struct output *output)
{
        /* The longest command there is, an AUTH line excepted, which is written alone. */
        return output->to < OUTPUT_SLICES &&
               output->scratch.size <= OUTPUT_SCRATCH_OCTETS - OUTPUT_ROOM_OCTETS;
}

void output_queue_scratch(struct output *output, size_t from)
{
        struct slice *last = output_is_empty(output) ? NULL : &output->slices[output->to - 1];

        assert(output->to < OUTPUT_SLICES);
        output->queued += output->scratch.size - from;
        if (last && !last->data && last->offset + last->size == from)
                last->size = output->scratch.size - last->offset;
        else
                output->slices[output->to++] =
                        (struct slice){ .offset = from, .size = output->scratch.size - from };
}

bool output_queue_octets(struct output *output, const char *data, size_t size)
{
        size_t from = output->scratch.size;

        if (!output_has_room(output))
                return false;
        if (size > OUTPUT_COPY_MAX_OCTETS || !buffer_append(&output->scratch, data, size)) {
                output->slices[output->to++] = (struct slice){ .data = data, .size = size };
                output->queued += size;
        } else if (size) {
                output_queue_scratch(output, from);
        }
        return true;
}

void output_cut(struct output *output, uint64_t queued)
{
        while (output->queued > queued) {
                struct slice *last = &output->slices[output->to - 1];
                uint64_t surplus = output->queued - queued;
                size_t part = surplus < last->size ? (size_t)surplus : last->size;
                last->size -= part;
                output->queued -= part;
                output->to -= last->size == 0;
        }
        if (output_is_empty(output))
                output_clear(output);
}

void output_clear(struct output *output)
{
        output->from = output->to = 0;
        buffer_truncate(&output->scratch, 0);
}

void output_trim(struct output *output, size_t keep)
{
        if (output_is_empty(output))
                buffer_trim(&output->scratch, keep);
}

static void advance(struct output *output, size_t written)
{
        while (written) {
                struct slice *slice = &output->slices[output->from];
                size_t part = written < slice->size ? written : slice->size;
                if (slice->data)
                        slice->data += part;
                slice->offset += part;
                slice->size -= part;
                written -= part;
                if (!slice->size)
                        output->from++;
        }
        if (output_is_empty(output))
                output_clear(output);
}

ssize_t output_write(struct output *output, struct stream *stream, postel_error *error)
{
        struct iovec vector[OUTPUT_SLICES];
        int count = 0;

        for (unsigned i = output->from; i < output->to; i++) {
                const struct slice *slice = &output->slices[i];
                const char *data = slice->data ? slice->data : output->scratch.data + slice->offset;
                vector[count++] = (struct iovec){ .iov_base = (char *)data, .iov_len = slice->size };
        }
        ssize_t written = stream_write(stream, vector, count, error);
        if (written > 0) {
                output->written += (uint64_t)written;
                advance(output, (size_t)written);
        }
        return written;
}
