/* SPDX-License-Identifier: MIT */
/* VRFY and EXPN (RFC 5321 sections 3.5, 4.1.1.6 and 4.1.1.7; with SMTPUTF8, RFC 6531 section 3.7.4.2). */
#include "verify.h"

#include "extensions.h"
#include "json.h"
#include "server.h"
#include "session.h"

#include <string.h>
#include <strings.h>

/* Takes the parameter off the end. False when it is there and must not be. */
static bool take_smtputf8(const struct session *session, char *arguments, bool *smtputf8)
{
        char *blank = strrchr(arguments, ' ');

        *smtputf8 = blank != NULL && strcasecmp(blank, " SMTPUTF8") == 0;
        if (!*smtputf8)
                return true;
        *blank = '\0';
        return extension_active(session, EXTENSION_SMTPUTF8);
}

static const char *objection(const char *what, bool smtputf8)
{
        size_t count = strlen(what);
        bool ascii = true;

        for (size_t at = 0, length; at < count; at += length) {
                length = utf8_sequence(what + at, count - at);
                if (length == 0)
                        return "501 5.5.2 Not UTF-8";
                ascii = ascii && length == 1;
        }
        if (count == 0)
                return "501 5.5.4 A name or an address is missing";
        return ascii || smtputf8 ? NULL : "553 5.6.7 Address needs SMTPUTF8";
}

static void run(struct session *session, char *arguments, const struct rules *rules)
{
        const char *refusal, *configured;
        size_t length;
        bool smtputf8;

        if (!take_smtputf8(session, arguments, &smtputf8)) {
                session_reply(session, "555 5.5.4 Parameter not known", REPLY_OWN);
                return;
        }
        refusal = objection(arguments, smtputf8);
        if (refusal != NULL) {
                session_reply(session, refusal, REPLY_OWN);
                return;
        }
        length = strlen(arguments);
        if (arguments[0] == '<' && arguments[length - 1] == '>') {
                arguments[length - 1] = '\0';
                arguments++;
        }
        configured = rules_match(rules, arguments);
        if (configured != NULL)
                session_reply(session, configured, REPLY_CONFIGURED);
        else
                session_reply(session, "252 2.1.5 Not verified, try to send", REPLY_OWN);
}

void verify_vrfy(struct session *session, char *arguments)
{
        run(session, arguments, &session->server->settings.vrfy);
}

void verify_expn(struct session *session, char *arguments)
{
        run(session, arguments, &session->server->settings.expn);
}
