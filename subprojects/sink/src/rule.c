/* SPDX-License-Identifier: MIT */
/* Replies chosen by address, and what a configured reply may look like (RFC 5321 section 4.2). */
#include "rule.h"

#include "buffer.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

const char *reply_check(const char *reply)
{
        bool code = reply[0] >= '2' && reply[0] <= '5' && reply[1] >= '0' && reply[1] <= '9' &&
                    reply[2] >= '0' && reply[2] <= '9' && (reply[3] == ' ' || reply[3] == '\0');

        if (!code)
                return "a reply is three digits from 200 to 599, then a space and text";
        if (strpbrk(reply, "\r\n") != NULL)
                return "a reply has neither CR nor LF";
        return NULL;
}

const char *rules_add(struct rules *rules, const char *text)
{
        const char *equals = strchr(text, '=');

        /* An address may hold "=" itself: the glob ends where a reply follows. */
        while (equals != NULL && reply_check(equals + 1) != NULL)
                equals = strchr(equals + 1, '=');
        if (equals == NULL || equals == text)
                return "must be GLOB=REPLY, where REPLY is three digits from 200 to 599, a space and text";
        rules->rules = memory_resize(rules->rules, (rules->count + 1) * sizeof *rules->rules);
        rules->rules[rules->count++] = (struct rule){
                .glob = memory_copy(text, (size_t)(equals - text)),
                .reply = memory_copy(equals + 1, strlen(equals + 1)),
        };
        return NULL;
}

const char *rules_match(const struct rules *rules, const char *address)
{
        for (size_t i = 0; i < rules->count; i++)
                if (fnmatch(rules->rules[i].glob, address, 0) == 0)
                        return rules->rules[i].reply;
        return NULL;
}

void rules_clear(struct rules *rules)
{
        for (size_t i = 0; i < rules->count; i++) {
                free(rules->rules[i].glob);
                free(rules->rules[i].reply);
        }
        free(rules->rules);
        *rules = (struct rules){ 0 };
}
