/* SPDX-License-Identifier: MIT */
/* A snapshot of what a server offers, in the shape that callers and bindings read. */

#include "connection.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

struct postel_capabilities {
        struct ehlo ehlo;
        char *cut; /* ehlo.lines with a NUL behind each line: what is handed out points here */
};

static postel_status snapshot(
        const struct ehlo *from, postel_capabilities **capabilities, postel_error *error)
{
        postel_capabilities *made = calloc(1, sizeof(*made));
        size_t size = from->lines.size;

        if (made) {
                ehlo_init(&made->ehlo);
                made->cut = malloc(size);
        }
        if (!made || !made->cut || !ehlo_parse(&made->ehlo, from->lines.data, size - 1)) {
                postel_capabilities_free(&made);
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        }
        memcpy(made->cut, made->ehlo.lines.data, size);
        for (size_t i = 0; i < size; i++)
                if (made->cut[i] == '\n')
                        made->cut[i] = '\0';
        *capabilities = made;
        return POSTEL_OK;
}

postel_status postel_connection_capabilities(postel_connection *connection, int timeout_ms,
        postel_capabilities **capabilities, postel_error *error)
{
        struct deadline deadline;

        if (!connection || !capabilities)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "connection: is missing");
        postel_status status = endpoint_deadline(connection->endpoint, timeout_ms, &deadline, error);
        if (status != POSTEL_OK)
                return status;
        if (!gate_enter(&connection->gate, deadline))
                return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_POOL,
                        "another call used the connection until the time ran out");
        if (connection->session.ehlo.lines.size)
                status = snapshot(&connection->session.ehlo, capabilities, error);
        else
                status = error_set(error, POSTEL_CLOSED, POSTEL_PHASE_EHLO, "the server was not asked yet");
        gate_leave(&connection->gate);
        return status;
}

void postel_capabilities_free(postel_capabilities **capabilities)
{
        if (!capabilities || !*capabilities)
                return;
        ehlo_deinit(&(*capabilities)->ehlo);
        free((*capabilities)->cut);
        free(*capabilities);
        *capabilities = NULL;
}

int postel_capabilities_has(const postel_capabilities *capabilities, const char *keyword)
{
        return postel_capabilities_parameters(capabilities, keyword) != NULL;
}

const char *postel_capabilities_parameters(const postel_capabilities *capabilities, const char *keyword)
{
        size_t size;
        const char *at =
                capabilities && keyword ? ehlo_parameters(&capabilities->ehlo, keyword, &size) : NULL;

        if (!at || !size)
                return at ? "" : NULL;
        return capabilities->cut + (at - capabilities->ehlo.lines.data);
}

unsigned long long postel_capabilities_max_size(const postel_capabilities *capabilities)
{
        return capabilities ? capabilities->ehlo.max_size : 0;
}

int postel_capabilities_has_mechanism(const postel_capabilities *capabilities, const char *mechanism)
{
        return capabilities && mechanism && *mechanism &&
               ehlo_offers_mechanism(&capabilities->ehlo, mechanism);
}

unsigned long long postel_capabilities_limit(const postel_capabilities *capabilities, const char *name)
{
        return capabilities && name ? ehlo_limit(&capabilities->ehlo, name) : 0;
}

size_t postel_capabilities_line_count(const postel_capabilities *capabilities)
{
        size_t count = 0, size;

        while (capabilities && ehlo_line(&capabilities->ehlo, count, &size))
                count++;
        return count;
}

const char *postel_capabilities_line(const postel_capabilities *capabilities, size_t line)
{
        size_t size;
        const char *at = capabilities ? ehlo_line(&capabilities->ehlo, line, &size) : NULL;

        return at ? capabilities->cut + (at - capabilities->ehlo.lines.data) : NULL;
}
