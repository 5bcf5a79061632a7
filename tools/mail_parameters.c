/* SPDX-License-Identifier: MIT */
/*
 * The parameters of a message, from their texts to the types of the library. Whatever fits into these is
 * passed on: the library is the judge of ranges and grammar.
 */

#include "mail_parameters.h"

#include "option_values.h"
#include "text.h"

#include <limits.h>
#include <postel/message.h>
#include <stdlib.h>
#include <string.h>

const struct argp_option mail_parameter_options[] = {
        { "from", OPTION_FROM, "ADDRESS", 0, "The sender, required; empty for the null reverse-path",
                GROUP_WHAT },
        { "ret", OPTION_RET, "WHAT", 0, "What notifications bring back: full or hdrs", GROUP_WHAT },
        { "envid", OPTION_ENVID, "ID", 0, "An identifier that comes back in notifications", GROUP_WHAT },
        { "notify", OPTION_NOTIFY, "WHEN", 0,
                "When notifications are wanted: never, or any of success,failure,delay", GROUP_WHAT },
        { "orcpt", OPTION_ORCPT, "TYPE;ADDRESS", 0, "The original recipient; needs exactly one recipient",
                GROUP_WHAT },
        { "body", OPTION_BODY, "KIND", 0, "auto (the default), 7bit, 8bitmime or binarymime", GROUP_WHAT },
        { "newlines", OPTION_NEWLINES, "RULE", 0,
                "normalize (the default) or refuse a lone CR or LF in the message", GROUP_WHAT },
        { "max-line", OPTION_MAX_LINE, "RULE", 0, "refuse lines over 998 octets, or pass them (the default)",
                GROUP_WHAT },
        { "smtputf8", OPTION_SMTPUTF8, NULL, 0,
                "Ask for SMTPUTF8 in any case; by default, when an address or a header needs it",
                GROUP_WHAT },
        { "require-tls", OPTION_REQUIRE_TLS, NULL, 0, "Every server on the way must use verified TLS",
                GROUP_WHAT },
        { "by", OPTION_BY, "SECONDS;MODE", 0,
                "Deliver within SECONDS, else return it (R) or notify the sender (N); with a T behind, ask "
                "for a "
                "trace",
                GROUP_WHAT },
        { "hold-for", OPTION_HOLD_FOR, "SECONDS", 0, "Let the server hold it for so long", GROUP_WHAT },
        { "hold-until", OPTION_HOLD_UNTIL, "DATE", 0,
                "Let the server hold it until then, such as 2026-12-24T18:00:00Z", GROUP_WHAT },
        { "mt-priority", OPTION_MT_PRIORITY, "N[,PROFILE]", 0, "Priority from -9 to 9", GROUP_WHAT },
        { "auth-param", OPTION_AUTH_PARAM, "ADDRESS", 0,
                "Who gave the message to the sender; empty or <> for nobody known", GROUP_WHAT },
        { "all-or-none", OPTION_ALL_OR_NONE, NULL, 0, "Send it only if every recipient is accepted",
                GROUP_WHAT },
        { "mail-param", OPTION_MAIL_PARAM, "KEYWORD[=VALUE]", 0,
                "A parameter of MAIL that Postel does not know; may be given many times", GROUP_WHAT },
        { "rcpt-param", OPTION_RCPT_PARAM, "KEYWORD[=VALUE]", 0,
                "The same for RCPT, for every recipient; may be given many times", GROUP_WHAT },
        { 0 },
};

static const struct option_choice ret_choices[] = {
        { "full", POSTEL_RET_FULL },
        { "hdrs", POSTEL_RET_HDRS },
        { NULL, 0 },
};

static const struct option_choice notify_choices[] = {
        { "never", POSTEL_NOTIFY_NEVER },
        { "success", POSTEL_NOTIFY_SUCCESS },
        { "failure", POSTEL_NOTIFY_FAILURE },
        { "delay", POSTEL_NOTIFY_DELAY },
        { NULL, 0 },
};

static const struct option_choice body_choices[] = {
        { "auto", POSTEL_BODY_AUTO },
        { "7bit", POSTEL_BODY_7BIT },
        { "8bitmime", POSTEL_BODY_8BITMIME },
        { "binarymime", POSTEL_BODY_BINARYMIME },
        { NULL, 0 },
};

static const struct option_choice newlines_choices[] = {
        { "normalize", 0 },
        { "refuse", POSTEL_REFUSE_BARE_NEWLINES },
        { NULL, 0 },
};

static const struct option_choice max_line_choices[] = {
        { "pass", 0 },
        { "refuse", POSTEL_REFUSE_LONG_LINES },
        { NULL, 0 },
};

/* The values of a list are joined as bits: that "never" stands alone is for the library to say. */
bool parse_notify(const char *text, unsigned *notify)
{
        *notify = 0;
        while (text) {
                size_t length = strcspn(text, ",");
                const struct option_choice *choice = notify_choices;

                while (choice->name &&
                        (strlen(choice->name) != length || strncmp(choice->name, text, length)))
                        choice++;
                if (!choice->name)
                        return false;
                *notify |= (unsigned)choice->value;
                text = text[length] ? text + length + 1 : NULL;
        }
        return true;
}

static postel_status set_dsn(postel_envelope *envelope, const struct options *options, postel_error *error)
{
        const char *when = options_text(options, OPTION_NOTIFY);
        size_t count = postel_envelope_recipient_count(envelope);
        int ret = POSTEL_RET_UNSET;
        unsigned notify = 0;
        postel_status status = options_choice(options, OPTION_RET, ret_choices, &ret, error);

        if (status != POSTEL_OK)
                return status;
        if (when && !parse_notify(when, &notify))
                return options_refuse(options, OPTION_NOTIFY, NOTIFY_RULE, error);
        if (options_given(options, OPTION_ORCPT) && count != 1)
                return options_refuse(options, OPTION_ORCPT, "needs exactly one recipient", error);
        postel_envelope_set_ret(envelope, (postel_ret)ret);
        postel_envelope_set_envid(envelope, options_text(options, OPTION_ENVID));
        for (size_t i = 0; i < count; i++)
                postel_envelope_set_notify(envelope, i, notify);
        if (options_given(options, OPTION_ORCPT))
                postel_envelope_set_orcpt(envelope, 0, options_text(options, OPTION_ORCPT));
        return POSTEL_OK;
}

static postel_status set_content(
        postel_envelope *envelope, const struct options *options, postel_error *error)
{
        const char *address = options_text(options, OPTION_AUTH_PARAM);
        int body = POSTEL_BODY_AUTO;
        postel_status status = options_choice(options, OPTION_BODY, body_choices, &body, error);

        if (status != POSTEL_OK)
                return status;
        postel_envelope_set_body(envelope, (postel_body)body);
        postel_envelope_set_smtputf8(envelope, options_flag(options, OPTION_SMTPUTF8));
        postel_envelope_set_require_tls(envelope, options_flag(options, OPTION_REQUIRE_TLS));
        postel_envelope_set_all_or_none(envelope, options_flag(options, OPTION_ALL_OR_NONE));
        if (address)
                postel_envelope_set_auth(envelope, strcmp(address, "<>") == 0 ? "" : address);
        return POSTEL_OK;
}

/* "120;R", "-5;NT" */
static bool parse_by(const char *text, long long *seconds, postel_by *mode, int *trace)
{
        const char *end;

        if (!parse_number(text, seconds, &end) || end[0] != ';' || (end[1] != 'R' && end[1] != 'N'))
                return false;
        *mode = end[1] == 'R' ? POSTEL_BY_RETURN : POSTEL_BY_NOTIFY;
        *trace = end[2] == 'T';
        return !end[2 + *trace];
}

static postel_status set_by(postel_envelope *envelope, const struct options *options, postel_error *error)
{
        const char *text = options_text(options, OPTION_BY);
        long long seconds;
        postel_by mode;
        int trace;

        if (!text)
                return POSTEL_OK;
        if (!parse_by(text, &seconds, &mode, &trace))
                return options_refuse(options, OPTION_BY,
                        "must be a number of seconds, a semicolon, R or N, and T or nothing", error);
        postel_envelope_set_by(envelope, seconds, mode, trace);
        return POSTEL_OK;
}

static postel_status set_hold(postel_envelope *envelope, const struct options *options, postel_error *error)
{
        const char *text = options_text(options, OPTION_HOLD_FOR);
        const char *end;
        long long seconds;

        if (text && (!parse_number(text, &seconds, &end) || *end))
                return options_refuse(options, OPTION_HOLD_FOR, "must be a whole number of seconds", error);
        if (text)
                postel_envelope_set_hold_for(envelope, seconds);
        postel_envelope_set_hold_until(envelope, options_text(options, OPTION_HOLD_UNTIL));
        return POSTEL_OK;
}

static postel_status set_priority(
        postel_envelope *envelope, const struct options *options, postel_error *error)
{
        const char *text = options_text(options, OPTION_MT_PRIORITY);
        const char *end;
        long long priority;

        if (!text)
                return POSTEL_OK;
        if (!parse_number(text, &priority, &end) || (*end && *end != ',') || priority < INT_MIN ||
                priority > INT_MAX)
                return options_refuse(options, OPTION_MT_PRIORITY,
                        "must be a whole number, and a comma and a profile or nothing", error);
        postel_envelope_set_mt_priority(envelope, (int)priority, *end ? end + 1 : NULL);
        return POSTEL_OK;
}

/* For MAIL, or for RCPT of every recipient. */
static postel_status add_unknown(
        postel_envelope *envelope, const struct options *options, enum option_id option, postel_error *error)
{
        const struct option_texts *list = options_list(options, option);
        size_t count = postel_envelope_recipient_count(envelope);

        for (size_t k = 0; k < list->count; k++) {
                char *keyword = strdup(list->texts[k]);
                char *value = keyword ? strchr(keyword, '=') : NULL;

                if (!keyword)
                        return text_error(error, POSTEL_MEMORY, "out of memory");
                if (value)
                        *value++ = '\0';
                if (option == OPTION_MAIL_PARAM)
                        postel_envelope_add_mail_parameter(envelope, keyword, value);
                for (size_t i = 0; option == OPTION_RCPT_PARAM && i < count; i++)
                        postel_envelope_add_rcpt_parameter(envelope, i, keyword, value);
                free(keyword);
        }
        return POSTEL_OK;
}

postel_status mail_parameters_set(
        postel_envelope *envelope, const struct options *options, postel_error *error)
{
        postel_status status = set_dsn(envelope, options, error);

        if (status == POSTEL_OK)
                status = set_content(envelope, options, error);
        if (status == POSTEL_OK)
                status = set_by(envelope, options, error);
        if (status == POSTEL_OK)
                status = set_hold(envelope, options, error);
        if (status == POSTEL_OK)
                status = set_priority(envelope, options, error);
        if (status == POSTEL_OK)
                status = add_unknown(envelope, options, OPTION_MAIL_PARAM, error);
        if (status == POSTEL_OK)
                status = add_unknown(envelope, options, OPTION_RCPT_PARAM, error);
        return status;
}

postel_status mail_parameters_refuse(unsigned *refuse, const struct options *options, postel_error *error)
{
        int newlines = 0;
        int max_line = 0;
        postel_status status = options_choice(options, OPTION_NEWLINES, newlines_choices, &newlines, error);

        if (status == POSTEL_OK)
                status = options_choice(options, OPTION_MAX_LINE, max_line_choices, &max_line, error);
        if (status == POSTEL_OK)
                *refuse = (unsigned)newlines | (unsigned)max_line;
        return status;
}
