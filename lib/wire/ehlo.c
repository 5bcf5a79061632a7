/* SPDX-License-Identifier: MIT */
/*
 * The reply to EHLO: RFC 5321 section 4.1.1.1. It knows what the server said, not whether it may be believed:
 * who asks again after STARTTLS forgets first.
 */

#include "wire/ehlo.h"
#include "wire/octet.h"
#include "wire/reply.h"

#include <string.h>

static const struct {
        enum extension extension;
        const char *keyword;
} extensions[] = {
        { EXTENSION_PIPELINING, "PIPELINING" },
        { EXTENSION_SIZE, "SIZE" },
        { EXTENSION_8BITMIME, "8BITMIME" },
        { EXTENSION_DSN, "DSN" },
        { EXTENSION_STARTTLS, "STARTTLS" },
        { EXTENSION_AUTH, "AUTH" },
        { EXTENSION_ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES" },
        { EXTENSION_CHUNKING, "CHUNKING" },
        { EXTENSION_BINARYMIME, "BINARYMIME" },
        { EXTENSION_SMTPUTF8, "SMTPUTF8" },
        { EXTENSION_DELIVERBY, "DELIVERBY" },
        { EXTENSION_FUTURERELEASE, "FUTURERELEASE" },
        { EXTENSION_MT_PRIORITY, "MT-PRIORITY" },
        { EXTENSION_REQUIRETLS, "REQUIRETLS" },
        { EXTENSION_LIMITS, "LIMITS" },
};

/* One line that offers something, taken apart. */
struct offer {
        const char *keyword;
        size_t keyword_size;
        const char *parameters;
        size_t parameters_size;
};

void ehlo_init(struct ehlo *ehlo)
{
        *ehlo = (struct ehlo){ 0 };
        buffer_init(&ehlo->lines, REPLY_MAX_OCTETS + 1);
}

void ehlo_deinit(struct ehlo *ehlo)
{
        buffer_deinit(&ehlo->lines);
        ehlo_forget(ehlo);
}

void ehlo_forget(struct ehlo *ehlo)
{
        ehlo->extensions = 0;
        ehlo->max_size = ehlo->mail_max = ehlo->rcpt_max = ehlo->rcpt_domain_max = 0;
        buffer_truncate(&ehlo->lines, 0);
}

static bool equals(const char *text, size_t size, const char *word)
{
        return strlen(word) == size && octets_equal_in_any_case(text, word, size);
}

/* False: the line breaks the grammar. */
static bool take_apart(const char *line, size_t size, struct offer *offer)
{
        size_t word = 0;
        while (word < size && (octet_is_alnum(line[word]) || (word > 0 && line[word] == '-')))
                word++;
        if (word == 0)
                return false;
        if (word < size && line[word] != ' ' && !(line[word] == '=' && equals(line, word, "AUTH")))
                return false;

        size_t start = word + (word < size);
        while (start < size && line[start] == ' ')
                start++;
        while (size > start && line[size - 1] == ' ')
                size--;
        for (size_t i = start; i < size; i++)
                if (!octet_is_printable(line[i]))
                        return false;
        *offer = (struct offer){ line, word, line + start, size - start };
        return true;
}

/* The first line from `*index` on that offers `keyword`; *index is set behind it. */
static bool find_offer(const struct ehlo *ehlo, const char *keyword, size_t *index, struct offer *offer)
{
        for (;;) {
                size_t size;
                const char *line = ehlo_line(ehlo, *index, &size);
                if (!line)
                        return false;
                ++*index;
                if (take_apart(line, size, offer) && equals(offer->keyword, offer->keyword_size, keyword))
                        return true;
        }
}

/* A number that is none, or is too large to be one, names no limit. */
static uint64_t parse_size(const char *text, size_t size)
{
        uint64_t number = 0;

        for (size_t i = 0; i < size; i++) {
                if (!octet_is_digit(text[i]))
                        return 0;
                unsigned digit = (unsigned)(text[i] - '0');
                if (number > (UINT64_MAX - digit) / 10)
                        return 0;
                number = number * 10 + digit;
        }
        return number;
}

bool ehlo_parse(struct ehlo *ehlo, const char *text, size_t size)
{
        ehlo_forget(ehlo);
        if (!buffer_append(&ehlo->lines, text, size) || !buffer_append(&ehlo->lines, "", 1)) {
                ehlo_forget(ehlo);
                return false;
        }
        for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
                if (ehlo_parameters(ehlo, extensions[i].keyword, &size))
                        ehlo->extensions |= extensions[i].extension;
        const char *number = ehlo_parameters(ehlo, "SIZE", &size);
        ehlo->max_size = number ? parse_size(number, size) : 0;
        ehlo->mail_max = ehlo_limit(ehlo, "MAILMAX");
        ehlo->rcpt_max = ehlo_limit(ehlo, "RCPTMAX");
        ehlo->rcpt_domain_max = ehlo_limit(ehlo, "RCPTDOMAINMAX");
        return true;
}

bool ehlo_has(const struct ehlo *ehlo, enum extension extension)
{
        return ehlo->extensions & extension;
}

const char *ehlo_parameters(const struct ehlo *ehlo, const char *keyword, size_t *size)
{
        struct offer offer;
        size_t index = 1;

        *size = 0;
        if (!find_offer(ehlo, keyword, &index, &offer))
                return NULL;
        *size = offer.parameters_size;
        return offer.parameters_size ? offer.parameters : "";
}

/* The word from *at on; *at is set behind it. False: there is none. */
static bool next_word(const char *text, size_t size, size_t *at, const char **word, size_t *word_size)
{
        while (*at < size && text[*at] == ' ')
                ++*at;
        *word = text + *at;
        while (*at < size && text[*at] != ' ')
                ++*at;
        *word_size = (size_t)(text + *at - *word);
        return *word_size > 0;
}

/* RFC 9422 section 3: "LIMITS NAME=number ...". */
static uint64_t named_limit(const char *text, size_t size, const char *name)
{
        const size_t name_size = strlen(name);
        const char *word;
        size_t word_size;

        for (size_t at = 0; next_word(text, size, &at, &word, &word_size);)
                if (word_size > name_size && word[name_size] == '=' && equals(word, name_size, name))
                        return parse_size(word + name_size + 1, word_size - name_size - 1);
        return 0;
}

/* RFC 2852 section 2 and RFC 4865 section 3: a number comes first, and more may follow. */
static uint64_t first_number(const char *text, size_t size)
{
        size_t digits = 0;

        while (digits < size && text[digits] != ' ' && text[digits] != ',')
                digits++;
        return parse_size(text, digits);
}

uint64_t ehlo_limit(const struct ehlo *ehlo, const char *name)
{
        static const char *const own_lines[] = { "DELIVERBY", "FUTURERELEASE" };
        const char *text;
        size_t size;

        for (size_t i = 0; i < sizeof(own_lines) / sizeof(own_lines[0]); i++) {
                if (!equals(own_lines[i], strlen(own_lines[i]), name))
                        continue;
                text = ehlo_parameters(ehlo, name, &size);
                return text ? first_number(text, size) : 0;
        }
        text = ehlo_parameters(ehlo, "LIMITS", &size);
        return text ? named_limit(text, size, name) : 0;
}

bool ehlo_names(const struct ehlo *ehlo, const char *keyword, const char *word)
{
        struct offer offer;
        const char *candidate;
        size_t size;

        /* Servers that write both spellings of AUTH do not always name the same mechanisms in both. */
        for (size_t index = 1; find_offer(ehlo, keyword, &index, &offer);)
                for (size_t at = 0;
                        next_word(offer.parameters, offer.parameters_size, &at, &candidate, &size);)
                        if (equals(candidate, size, word))
                                return true;
        return false;
}

bool ehlo_offers_mechanism(const struct ehlo *ehlo, const char *mechanism)
{
        return ehlo_names(ehlo, "AUTH", mechanism);
}

const char *ehlo_line(const struct ehlo *ehlo, size_t index, size_t *size)
{
        const char *line = ehlo->lines.size ? ehlo->lines.data : NULL;

        for (; line && index; index--) {
                line = strchr(line, '\n');
                if (line)
                        line++;
        }
        *size = line ? strcspn(line, "\n") : 0;
        return line;
}
