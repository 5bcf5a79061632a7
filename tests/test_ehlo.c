/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "wire/ehlo.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define POSTFIX                                                                    \
        "mail.example.org\nPIPELINING\nSIZE 10240000\nVRFY\nETRN\nSTARTTLS\n"      \
        "AUTH PLAIN LOGIN\nAUTH=PLAIN LOGIN\nENHANCEDSTATUSCODES\n8BITMIME\nDSN\n" \
        "SMTPUTF8\nCHUNKING"

static void finds_what_is_offered(void)
{
        static const struct {
                const char *text;
                unsigned extensions;
                uint64_t max_size;
        } rows[] = {
                { "", 0, 0 },
                { "mail.example.org", 0, 0 },
                { "PIPELINING", 0, 0 },
                { "PIPELINING DSN\nDSN", EXTENSION_DSN, 0 },
                { POSTFIX, 0x7f | EXTENSION_CHUNKING | EXTENSION_SMTPUTF8, 10240000 },
                { "x\npipelining\nsize 5\nStartTLS",
                        EXTENSION_PIPELINING | EXTENSION_SIZE | EXTENSION_STARTTLS, 5 },
                { "x\nchunking\nBINARYMIME\nSMTPUTF8\nDELIVERBY\nFUTURERELEASE 1 x\nMT-PRIORITY\nREQUIRETLS\n"
                  "LIMITS",
                        EXTENSION_CHUNKING | EXTENSION_BINARYMIME | EXTENSION_SMTPUTF8 | EXTENSION_DELIVERBY |
                                EXTENSION_FUTURERELEASE | EXTENSION_MT_PRIORITY | EXTENSION_REQUIRETLS |
                                EXTENSION_LIMITS,
                        0 },
                { "x\nMT PRIORITY\nMT-PRIORITYX\nSMTPUTF\nLIMIT RCPTMAX=1", 0, 0 },
                { "x\nSIZE", EXTENSION_SIZE, 0 },
                { "x\nSIZE 0", EXTENSION_SIZE, 0 },
                { "x\nSIZE  7 ", EXTENSION_SIZE, 7 },
                { "x\nSIZE 18446744073709551615", EXTENSION_SIZE, UINT64_MAX },
                { "x\nSIZE 18446744073709551616", EXTENSION_SIZE, 0 },
                { "x\nSIZE 99999999999999999999999", EXTENSION_SIZE, 0 },
                { "x\nSIZE many", EXTENSION_SIZE, 0 },
                { "x\nSIZE -1", EXTENSION_SIZE, 0 },
                { "x\nSIZE 5\nSIZE 6", EXTENSION_SIZE, 5 },
                { "x\nSIZE=5", 0, 0 },
                { "x\nAUTH=LOGIN", EXTENSION_AUTH, 0 },
                { "x\nAUTH", EXTENSION_AUTH, 0 },
                { "x\nAUTHX PLAIN\nX-AUTH PLAIN\nDSNX\nXDSN\nDSN-X", 0, 0 },
                { "x\nDS\nSIZ 5\nAUT=PLAIN\nA=PLAIN", 0, 0 },
                { "x\n DSN", 0, 0 },
                { "x\n\nDSN", EXTENSION_DSN, 0 },
                { "x\nDSN\tx", 0, 0 },
                { "x\nDSN \x01", 0, 0 },
                { "x\nDSN \xff", 0, 0 },
                { "x\nDSN \r", 0, 0 },
                { "x\n-DSN\nDSN_", 0, 0 },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct ehlo ehlo;
                harness_row("%zu", i);
                ehlo_init(&ehlo);
                CHECK(ehlo_parse(&ehlo, rows[i].text, strlen(rows[i].text)));
                CHECK_INT(ehlo.extensions, rows[i].extensions);
                CHECK_INT(ehlo.max_size, rows[i].max_size);
                for (unsigned bit = 1; bit < 0x8000; bit <<= 1)
                        CHECK_INT(ehlo_has(&ehlo, (enum extension)bit), (rows[i].extensions & bit) != 0);
                ehlo_deinit(&ehlo);
        }
}

static void gives_the_parameters_of_a_keyword(void)
{
        static const struct {
                const char *text, *keyword, *parameters;
        } rows[] = {
                { POSTFIX, "size", "10240000" },
                { POSTFIX, "DSN", "" },
                { POSTFIX, "CHUNKING", "" },
                { POSTFIX, "CHUNK", NULL },
                { POSTFIX, "mail.example.org", NULL },
                { POSTFIX, "", NULL },
                { POSTFIX, "AUTH", "PLAIN LOGIN" },
                { "x\nAUTH=CRAM-MD5 ", "auth", "CRAM-MD5" },
                { "x\nLIMITS  RCPTMAX=20 MAILMAX=5  ", "LIMITS", "RCPTMAX=20 MAILMAX=5" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct ehlo ehlo;
                size_t size = 99;
                harness_row("%zu", i);
                ehlo_init(&ehlo);
                CHECK(ehlo_parse(&ehlo, rows[i].text, strlen(rows[i].text)));
                const char *parameters = ehlo_parameters(&ehlo, rows[i].keyword, &size);
                size_t want = rows[i].parameters ? strlen(rows[i].parameters) : 0;
                CHECK_OCTETS(parameters, size, rows[i].parameters, want);
                CHECK_INT(size, want);
                ehlo_deinit(&ehlo);
        }
}

static void finds_mechanisms_in_both_spellings(void)
{
        static const struct {
                const char *text, *mechanism;
                bool offered;
        } rows[] = {
                { "x\nAUTH PLAIN LOGIN", "PLAIN", true },
                { "x\nAUTH PLAIN LOGIN", "login", true },
                { "x\nauth plain", "PLAIN", true },
                { "x\nAUTH  PLAIN  LOGIN ", "LOGIN", true },
                { "x\nAUTH=LOGIN", "LOGIN", true },
                { "x\nAUTH= LOGIN PLAIN", "PLAIN", true },
                { "x\nAUTH=LOGIN\nAUTH PLAIN", "PLAIN", true },
                { "x\nAUTH SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", false },
                { "x\nAUTH XPLAIN PLAINX", "PLAIN", false },
                { "x\nAUTH", "PLAIN", false },
                { "x\nAUTH PLAIN", "", false },
                { "x\nAUTH  PLAIN", "", false },
                { "x\nPLAIN", "PLAIN", false },
                { "AUTH PLAIN", "PLAIN", false },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct ehlo ehlo;
                harness_row("%zu", i);
                ehlo_init(&ehlo);
                CHECK(ehlo_parse(&ehlo, rows[i].text, strlen(rows[i].text)));
                CHECK_INT(ehlo_offers_mechanism(&ehlo, rows[i].mechanism), rows[i].offered);
                ehlo_deinit(&ehlo);
        }
}

static void reads_limits(void)
{
        static const struct {
                const char *text, *name;
                uint64_t limit;
        } rows[] = {
                { "x\nLIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1", "RCPTMAX", 20 },
                { "x\nLIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1", "MAILMAX", 5 },
                { "x\nLIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1", "RCPTDOMAINMAX", 1 },
                { "x\nlimits  mailmax=7  rcptmax=8 ", "RCPTMAX", 8 },
                { "x\nlimits  mailmax=7  rcptmax=8 ", "MailMax", 7 },
                { "x\nLIMITS RCPTMAX=1 RCPTMAX=2", "RCPTMAX", 1 },
                { "x\nLIMITS XRCPTMAX=1 RCPTMAXX=2 MAX=3", "RCPTMAX", 0 },
                { "x\nLIMITS RCPTMAX=0 MAILMAX=many RCPTDOMAINMAX=-1", "RCPTMAX", 0 },
                { "x\nLIMITS RCPTMAX=0 MAILMAX=many RCPTDOMAINMAX=-1", "MAILMAX", 0 },
                { "x\nLIMITS RCPTMAX=0 MAILMAX=many RCPTDOMAINMAX=-1", "RCPTDOMAINMAX", 0 },
                { "x\nLIMITS RCPTMAX= MAILMAX RCPTDOMAINMAX==1", "RCPTMAX", 0 },
                { "x\nLIMITS RCPTMAX= MAILMAX RCPTDOMAINMAX==1", "MAILMAX", 0 },
                { "x\nLIMITS RCPTMAX= MAILMAX RCPTDOMAINMAX==1", "RCPTDOMAINMAX", 0 },
                { "x\nLIMITS RCPTMAX=18446744073709551615", "RCPTMAX", UINT64_MAX },
                { "x\nLIMITS RCPTMAX=18446744073709551616", "RCPTMAX", 0 },
                { "x\nLIMITS RCPTMAX=5,MAILMAX=6", "RCPTMAX", 0 },
                { "x\nLIMITS", "RCPTMAX", 0 },
                { "x\nRCPTMAX=5", "RCPTMAX", 0 },
                { "x", "RCPTMAX", 0 },
                { "x\nDELIVERBY 240", "DELIVERBY", 240 },
                { "x\nDELIVERBY 240,X", "deliverby", 240 },
                { "x\nDELIVERBY", "DELIVERBY", 0 },
                { "x\nDELIVERBY ,X", "DELIVERBY", 0 },
                { "x\nLIMITS DELIVERBY=5", "DELIVERBY", 0 },
                { "x\nFUTURERELEASE 2592000 2026-12-31T00:00:00Z", "FUTURERELEASE", 2592000 },
                { "x\nFUTURERELEASE x 2026-12-31T00:00:00Z", "FUTURERELEASE", 0 },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct ehlo ehlo;
                harness_row("%zu", i);
                ehlo_init(&ehlo);
                CHECK(ehlo_parse(&ehlo, rows[i].text, strlen(rows[i].text)));
                CHECK_INT(ehlo_limit(&ehlo, rows[i].name), rows[i].limit);
                CHECK_INT(ehlo.rcpt_max, ehlo_limit(&ehlo, "RCPTMAX"));
                CHECK_INT(ehlo.mail_max, ehlo_limit(&ehlo, "MAILMAX"));
                CHECK_INT(ehlo.rcpt_domain_max, ehlo_limit(&ehlo, "RCPTDOMAINMAX"));
                ehlo_forget(&ehlo);
                CHECK_INT(ehlo_limit(&ehlo, rows[i].name), 0);
                CHECK_INT(ehlo.rcpt_max + ehlo.mail_max + ehlo.rcpt_domain_max, 0);
                ehlo_deinit(&ehlo);
        }
}

static void finds_words_behind_a_keyword(void)
{
        static const struct {
                const char *text, *keyword, *word;
                bool named;
        } rows[] = {
                { "x\nMT-PRIORITY MIXER", "MT-PRIORITY", "mixer", true },
                { "x\nMT-PRIORITY A  MIXER B", "mt-priority", "MIXER", true },
                { "x\nMT-PRIORITY MIXERX XMIXER", "MT-PRIORITY", "MIXER", false },
                { "x\nMT-PRIORITY", "MT-PRIORITY", "MIXER", false },
                { "x\nMT-PRIORITY A  B", "MT-PRIORITY", "", false },
                { "x\nX-MT MIXER", "MT-PRIORITY", "MIXER", false },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct ehlo ehlo;
                harness_row("%zu", i);
                ehlo_init(&ehlo);
                CHECK(ehlo_parse(&ehlo, rows[i].text, strlen(rows[i].text)));
                CHECK_INT(ehlo_names(&ehlo, rows[i].keyword, rows[i].word), rows[i].named);
                ehlo_deinit(&ehlo);
        }
}

static void keeps_every_line(void)
{
        static const char *const lines[] = { "mail.example.org", "", "?? nonsense", "DSN" };
        struct ehlo ehlo;
        size_t size;

        ehlo_init(&ehlo);
        CHECK(ehlo_line(&ehlo, 0, &size) == NULL);
        CHECK(ehlo_parse(&ehlo, "mail.example.org\n\n?? nonsense\nDSN", 33));
        for (size_t i = 0; i < COUNT(lines); i++) {
                const char *line = ehlo_line(&ehlo, i, &size);
                CHECK_OCTETS(line, size, lines[i], strlen(lines[i]));
        }
        CHECK(ehlo_line(&ehlo, 4, &size) == NULL);
        CHECK(ehlo_line(&ehlo, 5, &size) == NULL);
        ehlo_deinit(&ehlo);
}

static void offers_nothing_once_forgotten(void)
{
        struct ehlo ehlo;
        size_t size;

        ehlo_init(&ehlo);
        CHECK(!ehlo_has(&ehlo, EXTENSION_AUTH));
        CHECK(ehlo_parse(&ehlo, POSTFIX, strlen(POSTFIX)));
        ehlo_forget(&ehlo);
        CHECK_INT(ehlo.extensions, 0);
        CHECK_INT(ehlo.max_size, 0);
        CHECK(ehlo_parameters(&ehlo, "SIZE", &size) == NULL);
        CHECK(!ehlo_offers_mechanism(&ehlo, "PLAIN"));
        CHECK(ehlo_line(&ehlo, 0, &size) == NULL);
        CHECK(ehlo_parse(&ehlo, "x\nDSN", 5));
        CHECK_INT(ehlo.extensions, EXTENSION_DSN);
        ehlo_deinit(&ehlo);
}

static void offers_nothing_when_memory_ran_out(void)
{
        struct ehlo ehlo;
        size_t size;

        for (size_t room = 0; room <= strlen(POSTFIX); room++) {
                harness_row("room for %zu", room);
                ehlo_init(&ehlo);
                CHECK(ehlo_parse(&ehlo, "x\nDSN", 5));
                buffer_deinit(&ehlo.lines);
                ehlo.lines.max = room;
                CHECK(!ehlo_parse(&ehlo, POSTFIX, strlen(POSTFIX)));
                CHECK_INT(ehlo.extensions, 0);
                CHECK(ehlo_line(&ehlo, 0, &size) == NULL);
                ehlo_deinit(&ehlo);
        }
}

int main(void)
{
        static const struct test tests[] = {
                { "finds what is offered", finds_what_is_offered },
                { "gives the parameters of a keyword", gives_the_parameters_of_a_keyword },
                { "finds mechanisms in both spellings", finds_mechanisms_in_both_spellings },
                { "reads limits", reads_limits },
                { "finds words behind a keyword", finds_words_behind_a_keyword },
                { "keeps every line", keeps_every_line },
                { "offers nothing once forgotten", offers_nothing_once_forgotten },
                { "offers nothing when memory ran out", offers_nothing_when_memory_ran_out },
        };
        return harness_run("ehlo", tests, COUNT(tests));
}
