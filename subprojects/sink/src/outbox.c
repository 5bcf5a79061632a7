/* SPDX-License-Identifier: MIT */
/* The queue of replies with the times at which they may leave. Knows neither sockets nor clocks. */
#include "outbox.h"

#include "fault.h"

#include <stdlib.h>
#include <string.h>

#define COMPACT_AT 65536

struct release {
        uint64_t end;
        int64_t due_ns; /* OUTBOX_NEVER until the flush that follows */
        bool drip;
};

static void push(struct outbox *outbox, uint64_t end, int64_t due_ns, bool drip)
{
        if (end <= outbox->queued)
                return;
        if (outbox->first + outbox->count == outbox->size) {
                if (outbox->first > 0) {
                        memmove(outbox->queue, outbox->queue + outbox->first,
                                outbox->count * sizeof *outbox->queue);
                        outbox->first = 0;
                } else {
                        outbox->size = outbox->size > 0 ? outbox->size * 2 : 8;
                        outbox->queue = memory_resize(outbox->queue, outbox->size * sizeof *outbox->queue);
                }
        }
        outbox->queue[outbox->first + outbox->count++] = (struct release){ end, due_ns, drip };
        outbox->queued = end;
}

void outbox_append(struct outbox *outbox, const char *bytes, size_t count)
{
        buffer_append(&outbox->data, bytes, count);
        outbox->appended += count;
}

void outbox_drip(struct outbox *outbox, uint64_t from)
{
        push(outbox, from, OUTBOX_NEVER, false);
        push(outbox, outbox->appended, OUTBOX_NEVER, true);
}

bool outbox_release(struct outbox *outbox, int64_t now_ns, int64_t delay_ns)
{
        if (outbox->flushed == outbox->appended)
                return false;
        outbox->flushed = outbox->appended;
        if (outbox->count == 0 && delay_ns == 0) {
                outbox->ready = outbox->queued = outbox->appended;
                return true;
        }
        for (size_t i = 0; i < outbox->count; i++) {
                struct release *release = &outbox->queue[outbox->first + i];

                if (release->due_ns == OUTBOX_NEVER)
                        release->due_ns = now_ns + delay_ns;
        }
        push(outbox, outbox->appended, now_ns + delay_ns, false);
        outbox_tick(outbox, now_ns);
        return true;
}

void outbox_tick(struct outbox *outbox, int64_t now_ns)
{
        while (outbox->count > 0) {
                struct release *release = &outbox->queue[outbox->first];

                if (release->due_ns > now_ns)
                        return;
                if (release->drip) {
                        outbox->ready++;
                        release->due_ns = now_ns + FAULT_DRIP_NS;
                } else {
                        outbox->ready = release->end;
                }
                if (outbox->ready == release->end) {
                        outbox->first++;
                        outbox->count--;
                }
        }
        outbox->first = 0;
}

int64_t outbox_due_ns(const struct outbox *outbox)
{
        return outbox->count > 0 ? outbox->queue[outbox->first].due_ns : OUTBOX_NEVER;
}

const char *outbox_ready(const struct outbox *outbox, size_t *count)
{
        *count = (size_t)(outbox->ready - outbox->sent);
        return *count > 0 ? outbox->data.data + outbox->head : NULL;
}

void outbox_sent(struct outbox *outbox, size_t count)
{
        outbox->sent += count;
        outbox->head += count;
        if (outbox->head == outbox->data.used) {
                outbox->head = outbox->data.used = 0;
        } else if (outbox->head > COMPACT_AT) {
                buffer_drop(&outbox->data, outbox->head);
                outbox->head = 0;
        }
}

size_t outbox_pending(const struct outbox *outbox)
{
        return (size_t)(outbox->appended - outbox->sent);
}

void outbox_deinit(struct outbox *outbox)
{
        buffer_deinit(&outbox->data);
        free(outbox->queue);
        *outbox = (struct outbox){ 0 };
}
