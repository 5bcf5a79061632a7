/* SPDX-License-Identifier: MIT */
/* PLAIN (RFC 4616) and LOGIN, in order of preference: both send the password, and PLAIN in one round trip. */

#include "sasl/sasl.h"

#include "base/secret.h"
#include "base/status.h"
#include "wire/octet.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

struct mechanism {
        const char *name;
        bool client_first;
};

static const struct mechanism mechanisms[] = {
        { "PLAIN", true },
        { "LOGIN", false },
};

struct sasl {
        const struct mechanism *mechanism;
        Gsasl *library;
        Gsasl_session *session;
        bool complete; /* all has been said; GNU SASL would begin anew and tell the password again */
};

static const struct mechanism *find(const char *name)
{
        for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
                if (strlen(mechanisms[i].name) == strlen(name) &&
                        octets_equal_in_any_case(mechanisms[i].name, name, strlen(name)))
                        return &mechanisms[i];
        return NULL;
}

const char *sasl_mechanism_fault(const char *mechanism)
{
        return find(mechanism) ? NULL : "is neither PLAIN nor LOGIN";
}

const char *sasl_choose(const struct sasl_credentials *credentials, const struct ehlo *ehlo)
{
        if (credentials->mechanism)
                return ehlo_offers_mechanism(ehlo, credentials->mechanism)
                               ? find(credentials->mechanism)->name
                               : NULL;
        for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
                if (ehlo_offers_mechanism(ehlo, mechanisms[i].name))
                        return mechanisms[i].name;
        return NULL;
}

static postel_status fault(int result, postel_error *error)
{
        if (result == GSASL_MALLOC_ERROR)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_AUTH, "out of memory");
        return error_set(
                error, POSTEL_PROTOCOL, POSTEL_PHASE_AUTH, "the exchange failed: %s", gsasl_strerror(result));
}

postel_status sasl_new(const char *mechanism, const struct sasl_credentials *credentials, struct sasl **sasl,
        postel_error *error)
{
        struct sasl *made = calloc(1, sizeof(*made));

        if (!made)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_AUTH, "out of memory");
        made->mechanism = find(mechanism);
        int result = gsasl_init(&made->library);
        /* Of a failed start it leaves a pointer to what it has freed. */
        if (result != GSASL_OK)
                made->library = NULL;
        if (result == GSASL_OK)
                result = gsasl_client_start(made->library, made->mechanism->name, &made->session);
        if (result == GSASL_OK)
                result = gsasl_property_set(made->session, GSASL_AUTHID, credentials->user);
        if (result == GSASL_OK)
                result = gsasl_property_set(
                        made->session, GSASL_PASSWORD, credentials->password ? credentials->password : "");
        if (result != GSASL_OK) {
                sasl_free(&made);
                return fault(result, error);
        }
        *sasl = made;
        return POSTEL_OK;
}

void sasl_free(struct sasl **sasl)
{
        if (!*sasl)
                return;
        if ((*sasl)->session) {
                /* GNU SASL frees its copy of the password as it is: what is behind the pointer is ours to
                 * wipe. */
                const char *password = gsasl_property_fast((*sasl)->session, GSASL_PASSWORD);
                if (password)
                        explicit_bzero((char *)password, strlen(password));
                gsasl_finish((*sasl)->session);
        }
        if ((*sasl)->library)
                gsasl_done((*sasl)->library);
        free(*sasl);
        *sasl = NULL;
}

bool sasl_has_initial_response(const struct sasl *sasl)
{
        return sasl->mechanism->client_first;
}

bool sasl_encode(const char *text, char **encoded)
{
        char *made = NULL;

        if (gsasl_base64_to(text, strlen(text), &made, NULL) != GSASL_OK)
                return false;
        *encoded = made;
        return true;
}

postel_status sasl_step(struct sasl *sasl, const char *challenge, char **response, postel_error *error)
{
        char *text = NULL;

        if (sasl->complete)
                return error_set(error, POSTEL_PROTOCOL, POSTEL_PHASE_AUTH,
                        "the exchange failed: the server asks for more than %s has", sasl->mechanism->name);
        int result = gsasl_step64(sasl->session, challenge, &text);
        if (result != GSASL_OK && result != GSASL_NEEDS_MORE) {
                gsasl_free(text);
                return fault(result, error);
        }
        sasl->complete = result == GSASL_OK;
        /* gsasl_free() is free() in every build but one with a foreign allocator; a copy of our own is wiped
         * for sure. */
        *response = strdup(text);
        secret_free(&text);
        return *response ? POSTEL_OK : error_set(error, POSTEL_MEMORY, POSTEL_PHASE_AUTH, "out of memory");
}
