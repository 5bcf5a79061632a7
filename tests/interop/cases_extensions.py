# SPDX-License-Identifier: MIT
"""The cases of LMTP, of extensions and of batches, as tables.  Imported by ./run."""
from cases import (ACCEPTED, CONTENTS, CONTENTS_8BIT, GREY, HEADER, HELLO, NOBODY, REFUSED_UNSENT, SENDMAIL)
from harness import Case, Job

LMTP = ("dovecot lmtp", "dovecot unix", "cyrus lmtp", "cyrus login", "gosmtp lmtp", "aiosmtpd lmtp")

# After the content 552 is for good, as it was not at RCPT.
OVER_QUOTA = ("REJECTED", 552, "5.2.2")
UNKNOWN = ("REJECTED", 550, None)       # the enhanced code is in the last line of three
LMTP_RECIPIENTS = (
    # One mailbox is over its quota, which is said of it alone, and after the content.
    ("dovecot lmtp", {"alice@example.test": ACCEPTED, "full@example.test": OVER_QUOTA,
                      "nobody@example.test": NOBODY, "bob@example.test": ACCEPTED}),
    ("dovecot unix", {"full@example.test": OVER_QUOTA, "bob@example.test": ACCEPTED}),
    ("cyrus lmtp", {"nobody@example.test": UNKNOWN, "alice@example.test": ACCEPTED, "carol@example.test": ACCEPTED}),
    ("cyrus login", {"alice@example.test": ACCEPTED, "nobody@example.test": UNKNOWN}),
    ("gosmtp lmtp", {"alice@example.test": ACCEPTED, "datafail@example.test": ("REJECTED", 554, "5.6.0"),
                     "grey@example.test": GREY, "datalater@example.test": ("DEFERRED", 451, "4.6.0")}),
    ("aiosmtpd lmtp", {"datalater@example.test": ("DEFERRED", 451, "4.6.0"), "alice@example.test": ACCEPTED,
                       "datafail@example.test": ("REJECTED", 554, "5.6.0"), "nobody@example.test": NOBODY}),
)
# Larger than the mailbox of full.
QUOTA = HEADER + (b"x" * 70 + b"\r\n") * 30

CHUNKING_DOORS = ("postfix starttls", "postfix submissions", "exim starttls", "exim clear", "dovecot starttls",
                  "dovecot lmtp", "dovecot unix")
CHUNKING_CONTENTS = ("leading dots", "lone dots", "long lines", "no final newline", "LF", "3 MiB")
NO_CHUNKING = ("postfix login", "opensmtpd clear", "sendmail clear", "gosmtp starttls", "cyrus lmtp")

UTF8_LOCAL = "jürgen@example.test"
UTF8_DOORS = (("postfix starttls", UTF8_LOCAL), ("gosmtp starttls", UTF8_LOCAL), ("gosmtp lmtp", UTF8_LOCAL),
              ("chasquid starttls", UTF8_LOCAL), ("exim starttls", UTF8_LOCAL))
NO_SMTPUTF8 = ("opensmtpd clear", "sendmail clear", "aiosmtpd starttls")

# With N, Sendmail tells the sender at once that the next hop promises nothing; so there is none.
DELIVER_BY = (
    ("in an hour, or return", {"--by": "3600;R"}, "BY=3600;R"),
    ("in an hour, or tell", {"--by": "3600;N", "--from": ""}, "BY=3600;N"),
    ("in an hour, traced", {"--by": "3600;NT", "--from": ""}, "BY=3600;NT"),
)

BATCH_DOORS = ("postfix starttls", "postfix few", "dovecot submissions", "aiosmtpd starttls", "gosmtp starttls",
               "exim starttls", "exim clear", "opensmtpd clear", "sendmail starttls", "chasquid starttls")
BATCH_SIZE = 40


def lmtp_cases():
    for door in LMTP:
        for name, content in CONTENTS + CONTENTS_8BIT:
            if name != "header alone":
                yield Case(name, door, content)
    for door, outcomes in LMTP_RECIPIENTS:
        yield Case("recipients, each with a reply", door, QUOTA, to=tuple(outcomes), outcomes=tuple(outcomes.values()),
                   want={"status": "PARTIAL", "exit": 1})
        yield Case("two messages on one connection", door, command="batch", options={"--pool": "1"}, want={"exit": 0}, batch=(
            Job("one", ("alice@example.test",), HELLO),
            Job("two", ("carol@example.test", "alice@example.test"), QUOTA)))
    url = {"--host": None, "--port": None, "--tls": None, "--lmtp": None}
    for door in ("dovecot lmtp", "cyrus lmtp"):
        yield Case("URL", door, HELLO, options={**url, "--tls": "none", "--url": "lmtp://127.0.0.1:{port}"})
    yield Case("URL", "dovecot unix", HELLO,
               options={**url, "--tls": "none", "--socket": None, "--url": "lmtp+unix:{dovecot[socket]}"})
    yield Case("STARTTLS", "dovecot lmtp", HELLO, options={"--tls": "starttls"})


def chunking_cases():
    contents = dict(CONTENTS + CONTENTS_8BIT)
    for door in CHUNKING_DOORS:
        for name in CHUNKING_CONTENTS + tuple(name for name, _ in CONTENTS_8BIT):
            yield Case("BDAT: " + name, door, contents[name], options={"--chunking": "always"})
        yield Case("BDAT where it is offered", door, contents["lone dots"], options={"--chunking": "auto"})
        yield Case("BDAT through a pipe", door, contents["3 MiB"], options={"--chunking": "always"}, stdin=True)
        yield Case("no BDAT, by choice", door, contents["lone dots"], options={"--chunking": "never"})
    for door in NO_CHUNKING:
        yield Case("BDAT is not offered", door, HELLO, options={"--chunking": "always"}, want=REFUSED_UNSENT)
        yield Case("DATA without CHUNKING", door, HELLO, options={"--chunking": "auto"})
    for door in ("postfix starttls", "exim clear", "dovecot starttls"):
        yield Case("BDAT: recipients", door, HELLO, to=("nobody@example.test", "alice@example.test"),
                   options={"--chunking": "always"}, want={"status": "PARTIAL", "exit": 1},
                   outcomes=(("REJECTED", 550, None), ACCEPTED))
        yield Case("BINARYMIME is not offered", door, HELLO, options={"--body": "binarymime"}, want=REFUSED_UNSENT)


def extension_cases():
    for door, address in UTF8_DOORS:
        yield Case("SMTPUTF8 local part", door, HELLO, to=(address,), options={"--smtputf8": True},
                   envelope={"SMTPUTF8": ""})
    for door in NO_SMTPUTF8:
        yield Case("SMTPUTF8 is not offered", door, HELLO, to=(UTF8_LOCAL,), options={"--smtputf8": True},
                   want=REFUSED_UNSENT)
    for door in ("postfix starttls", "gosmtp starttls", "opensmtpd clear", "sendmail clear"):
        yield Case("a domain alone goes out as xn--", door, HELLO, to=("bob@münchen.test",),
                   addresses={"bob@münchen.test": "bob@xn--mnchen-3ya.test"})
    for name, options, logged in DELIVER_BY:
        for door in SENDMAIL:
            yield Case("DELIVERBY " + name, door, HELLO, options=options, logged=logged)
    yield Case("DELIVERBY is not offered", "postfix starttls", HELLO, options={"--by": "3600;R"}, want=REFUSED_UNSENT)
    for door in ("gosmtp starttls", "gosmtp submissions"):
        yield Case("REQUIRETLS", door, HELLO, options={"--require-tls": True}, envelope={"REQUIRETLS": ""})
    for door in ("gosmtp few", "postfix starttls", "exim starttls"):
        yield Case("REQUIRETLS is not offered", door, HELLO, options={"--require-tls": True},
                   want={"status": {"UNSUPPORTED", "TLS", "INVALID"}, "exit": {65, 69, 77}}, unseen=("mail",))
    for option, value in (("--mt-priority", "3"), ("--hold-for", "60")):
        yield Case(option + " is not offered", "postfix starttls", HELLO, options={option: value}, want=REFUSED_UNSENT)
    for door in ("postfix starttls", "exim clear", "opensmtpd clear", "sendmail clear", "gosmtp few",
                 "dovecot starttls", "aiosmtpd starttls", "chasquid starttls"):
        yield Case("all or none", door, HELLO, to=("alice@example.test", "nobody@example.test", "bob@example.test"),
                   options={"--all-or-none": True}, want={"status": "REJECTED", "exit": 69},
                   outcomes=(("NOT_SENT", 0, None), ("REJECTED", 550, None), ("NOT_SENT", 0, None)))
        yield Case("all, and none refused", door, HELLO, to=("alice@example.test", "bob@example.test"),
                   options={"--all-or-none": True})


def batch_cases():
    for door in BATCH_DOORS + LMTP:
        jobs = [Job(f"job{number}", ("bob@example.test",), HELLO + b"%d\r\n.\r\n" % number)
                for number in range(BATCH_SIZE)]
        jobs[BATCH_SIZE // 2] = Job("refused", ("nobody@example.test",), HELLO, status="REJECTED")
        # Cyrus makes a mailbox at its first delivery, and defers whoever comes at the same time.
        options = {"--pool": "1"} if door.startswith("cyrus") else {}
        yield Case("batch", door, command="batch", options=options, batch=tuple(jobs), want={"exit": 1})


def all_cases():
    yield from lmtp_cases()
    yield from chunking_cases()
    yield from extension_cases()
    yield from batch_cases()
