# SPDX-License-Identifier: MIT
"""The cases of plain SMTP, as tables: each row is tried at every door where it makes sense.  Imported by ./run."""
import random

from harness import Case

POSTFIX = ("postfix starttls", "postfix submissions", "postfix login")
DOVECOT = ("dovecot starttls", "dovecot submissions")
AIOSMTPD = ("aiosmtpd starttls", "aiosmtpd submissions")
EXIM = ("exim starttls", "exim submissions", "exim clear")
SENDMAIL = ("sendmail starttls", "sendmail submissions", "sendmail clear")
GOSMTP = ("gosmtp starttls", "gosmtp submissions", "gosmtp few")
CHASQUID = ("chasquid starttls", "chasquid submissions")
DOORS = POSTFIX + DOVECOT + AIOSMTPD
# The servers that are met at one door with every content, at the others with one.
MORE = ("exim starttls", "opensmtpd clear", "sendmail starttls", "gosmtp starttls", "chasquid starttls")
OTHERS = ("postfix few", "exim submissions", "exim clear", "sendmail submissions", "sendmail clear",
          "gosmtp submissions", "gosmtp few", "chasquid submissions")

# Without a header section Postfix would put an empty line between its trace header and the message; without Date and
# Message-ID, OpenSMTPD and Cyrus put theirs there.
HEADER = (b"From: <a@example.test>\r\nTo: <alice@example.test>\r\nSubject: interop\r\n"
          b"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <interop@example.test>\r\n\r\n")
HELLO = HEADER + b"hello\r\n"
OCTETS = bytes(octet for octet in random.Random(7).choices(range(1, 256), k=4000) if octet not in b"\r\n")
RANDOM_LINES = b"".join(OCTETS[i:i + 200] + b"\r\n" for i in range(0, len(OCTETS), 200))
LONG = (b"x" * 998 + b"\r\n") * 3 + b"." * 998 + b"\r\n" + b"y" * 998
BIG = b"".join(b"%s%060d\r\n" % (b"." * (i % 3), i) for i in range(49000))

CONTENTS = (
    ("leading dots", HEADER + b".a\r\n..b\r\n...\r\n. \r\n.\t.\r\n"),
    ("lone dots", HEADER + b"a\r\n.\r\nb\r\n.\r\n.\r\n"),
    ("lone dot at the end, without newline", HEADER + b"a\r\n."),
    ("dots between lone newlines and commands behind",
     HEADER + b"a\n.\nQUIT\r.\rQUIT\n.\r\nQUIT\r\n.\nQUIT\r\n.\rQUIT\r\n"),
    ("long lines", HEADER + LONG + b"\r\n"),
    ("long line, without newline", HEADER + LONG),
    ("no final newline", HEADER + b"a\r\nb"),
    ("empty body", HEADER),
    ("header alone", HEADER[:-2]),
    ("LF", HEADER.replace(b"\r", b"") + b"a\n\nb\n"),
    ("LF, no final newline", HEADER.replace(b"\r", b"") + b"a\n\nb"),
    ("CR", HEADER.replace(b"\n", b"") + b"a\r\rb\r"),
    ("all newlines mixed", HEADER + b"a\nb\rc\r\nd\r\r\ne\n\rf\r\n\n\r\r\r\n\r"),
    ("trailing blanks and empty lines", HEADER + b"a \r\n\t\r\n b\t \r\n\r\n \r\n\r\n\r\n"),
    ("3 MiB", HEADER + BIG),
)
# These also go to relay.example.test, where the recorder shows BODY.
CONTENTS_8BIT = (
    ("UTF-8", HEADER + "Größe ≤ 5 µm — ☃\r\n.é\r\n".encode()),
    ("random octets", HEADER + RANDOM_LINES),
    ("long 8-bit lines", HEADER + LONG.replace(b"x", b"\xff").replace(b"y", b"\x80")),
)
CONTENTS_WITHOUT_HEADER = (
    ("no octet at all", b""),
    ("nothing but a newline", b"\n"),
    ("nothing but a dot", b"."),
    ("dots from the first octet", b"..\r\n.\r\n.a\r\n"),
)

DSN = (
    ("all parameters", ("bob@relay.example.test",),
     {"--ret": "hdrs", "--envid": "run+7=a", "--notify": "success,failure", "--orcpt": "rfc822;orig@example.org"},
     {"RET": "HDRS", "ENVID": "run+7=a"}, {"NOTIFY": "FAILURE,SUCCESS", "ORCPT": "rfc822;orig@example.org"}),
    ("xtext in ORCPT", ("bob@relay.example.test",),
     {"--ret": "full", "--orcpt": "rfc822;o+r=i+41@example.org", "--notify": "delay"},
     {"RET": "FULL", "ENVID": None}, {"NOTIFY": "DELAY", "ORCPT": "rfc822;o+r=i+41@example.org"}),
    ("NOTIFY=NEVER for two", ("bob@relay.example.test", "carol@relay.example.test"), {"--notify": "never"},
     {"RET": None, "ENVID": None}, {"NOTIFY": "NEVER"}),
    ("none", ("bob@relay.example.test",), {}, {"RET": None, "ENVID": None}, {"NOTIFY": None}),
)

ACCEPTED = ("ACCEPTED", 250, None)
NOBODY = ("REJECTED", 550, "5.1.1")
GREY = ("DEFERRED", 450, "4.7.1")
FULL = ("DEFERRED", 452, "4.2.2")
HUGE = ("DEFERRED", 552, "5.2.2")       # RFC 5321 section 4.5.3.1.10
RECIPIENTS = (
    ("mixed", {"nobody@example.test": NOBODY, "alice@example.test": ACCEPTED, "grey@example.test": GREY,
               "full@example.test": FULL, "bob@example.test": ACCEPTED, "huge@example.test": HUGE},
     {"status": "PARTIAL", "exit": 1}),
    ("first accepted", {"alice@example.test": ACCEPTED, "nobody@example.test": NOBODY},
     {"status": "PARTIAL", "exit": 1}),
    ("refused for good and for now", {"nobody@example.test": NOBODY, "grey@example.test": GREY},
     {"status": "DEFERRED", "exit": 75, "code": 450, "enhanced": "4.7.1", "phase": "rcpt"}),
    ("refused for good", {"nobody@example.test": NOBODY, "nobody@relay.example.test": NOBODY},
     {"status": "REJECTED", "exit": 69, "code": 550, "enhanced": "5.1.1", "phase": "rcpt"}),
    ("552 is for now", {"huge@example.test": HUGE}, {"status": "DEFERRED", "exit": 75, "code": 552, "phase": "rcpt"}),
)
SENDERS = (
    ("sender refused for good", "reject@example.test", ("REJECTED", 550, "5.7.1"), 69),
    ("sender refused for now", "later@example.test", ("DEFERRED", 451, "4.7.1"), 75),
)

MECHANISMS = (
    ("postfix submissions", "sasl_method={0},", ("PLAIN", "LOGIN")),
    ("dovecot starttls", "method={0},", ("PLAIN", "LOGIN")),
    ("aiosmtpd starttls", "AUTH {0}", ("PLAIN", "LOGIN")),
)

TLS_FAILED = {"status": "TLS", "exit": 77}
AUTH_FAILED = {"status": "AUTH", "exit": 77}
NO_PLAINTEXT_AUTH = {"status": {"AUTH", "TLS", "INVALID", "UNSUPPORTED"}, "exit": {65, 69, 77}}
SECURITY = (
    ("wrong password", DOORS, {"--password-file": "{wrong_password_file}"}, AUTH_FAILED, ("mail",)),
    ("wrong password, traced", DOORS, {"--password-file": "{wrong_password_file}", "--trace": True}, AUTH_FAILED,
     ("mail",)),
    ("untrusted authority", DOORS, {"--ca": "{other_ca}"}, TLS_FAILED, ("auth", "mail")),
    ("the system's authorities", DOORS, {"--ca": None}, TLS_FAILED, ("auth", "mail")),
    ("wrong name", DOORS, {"--server-name": "wrong.example.test"}, TLS_FAILED, ("auth", "mail")),
    ("STARTTLS is not offered", ("postfix clear",), {"--tls": "starttls"}, TLS_FAILED, ("auth", "mail")),
    ("AUTH in the clear", ("postfix clear",), {}, NO_PLAINTEXT_AUTH, ("auth", "mail")),
    ("AUTH in the clear, opportunistic", ("postfix clear",), {"--tls": "opportunistic"}, NO_PLAINTEXT_AUTH,
     ("auth", "mail")),
)
OPTIONS = (
    ("AUTH in the clear, by choice", ("postfix clear",), {"--allow-plaintext-auth": True}),
    ("opportunistic", ("postfix starttls", "dovecot starttls", "aiosmtpd starttls"), {"--tls": "opportunistic"}),
    ("traced", DOORS, {"--trace": True}),
)

# What the servers with AUTH say of it in their logs is not all the same; that they took the message is enough.
MORE_MECHANISMS = ("exim starttls", "exim submissions", "sendmail starttls", "sendmail submissions", "gosmtp starttls",
                   "gosmtp submissions")

REFUSED_UNSENT = {"status": {"UNSUPPORTED", "REJECTED"}, "exit": 69}
COMMON = ("SIZE 4194304", "8BITMIME")
CAPABILITIES = {
    "postfix starttls": COMMON + ("PIPELINING", "CHUNKING", "DSN", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN"),
    "postfix login": COMMON + ("DSN", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH LOGIN"),
    "dovecot submissions": COMMON + ("PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES",
                                     "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"),
    "aiosmtpd submissions": COMMON + ("ENHANCEDSTATUSCODES", "AUTH LOGIN PLAIN"),
    "postfix few": COMMON + ("XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT",),
    "exim starttls": COMMON + ("PIPELINING", "CHUNKING", "DSN", "PRDR", "SMTPUTF8", "AUTH PLAIN LOGIN"),
    "opensmtpd clear": COMMON + ("DSN", "ENHANCEDSTATUSCODES"),
    "sendmail submissions": COMMON + ("PIPELINING", "DSN", "DELIVERBY", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN"),
    "gosmtp starttls": COMMON + ("PIPELINING", "SMTPUTF8", "REQUIRETLS", "ENHANCEDSTATUSCODES"),
    "chasquid starttls": COMMON[1:] + ("PIPELINING", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN"),
    "dovecot lmtp": COMMON[1:] + ("PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES", "STARTTLS"),
    "cyrus lmtp": COMMON + ("PIPELINING", "IGNOREQUOTA", "ENHANCEDSTATUSCODES"),
}


MORE_RECIPIENTS = (
    ("mixed", {"nobody@example.test": NOBODY, "alice@example.test": ACCEPTED, "grey@example.test": GREY,
               "full@example.test": FULL, "bob@example.test": ACCEPTED, "huge@example.test": HUGE},
     {"status": "PARTIAL", "exit": 1}),
)

# Where only so many recipients are taken at once, the others follow in further transactions.
FEW = ("postfix few", "exim clear", "opensmtpd clear", "sendmail clear", "gosmtp few")
MANY = tuple(f"user{number}@example.test" for number in range(23))



def content_cases():
    both = ("alice@example.test", "alice@relay.example.test")
    for door in DOORS:
        for name, content in CONTENTS:
            yield Case(name, door, content)
        for name, content in CONTENTS_8BIT:
            yield Case(name, door, content, to=both, envelope={"BODY": "8BITMIME"})
        yield Case("8-bit through a pipe", door, CONTENTS_8BIT[0][1], stdin=True)
    for door in AIOSMTPD:
        for name, content in CONTENTS_WITHOUT_HEADER:
            yield Case(name, door, content)


def dsn_cases():
    for name, to, options, envelope, recipient in DSN:
        for door in POSTFIX + DOVECOT:
            yield Case("DSN: " + name, door, HELLO, to=to, options=options, envelope=envelope, recipient=recipient)
    for door in AIOSMTPD:
        yield Case("DSN is not offered", door, options={"--ret": "hdrs", "--notify": "never"}, want=REFUSED_UNSENT,
                   unseen=("mail",))


def outcome_cases():
    for door in DOORS:
        for name, outcomes, want in RECIPIENTS:
            yield Case("recipients: " + name, door, to=tuple(outcomes), outcomes=tuple(outcomes.values()), want=want)
        for name, sender, outcome, status in SENDERS:
            want = {"status": outcome[0], "exit": status, "code": outcome[1], "enhanced": outcome[2], "phase": "mail"}
            yield Case(name, door, options={"--from": sender}, outcomes=(outcome,), want=want)
        yield Case("larger than SIZE", door, HEADER + BIG + BIG, want=REFUSED_UNSENT, unseen=("mail",))
    for door in POSTFIX + DOVECOT:
        yield Case("queue id", door, queue_id=True)


def session_cases():
    for door, logged, mechanisms in MECHANISMS:
        for mechanism in mechanisms:
            yield Case("AUTH " + mechanism, door, options={"--auth": mechanism}, logged=logged.format(mechanism))
    for name, doors, options, want, unseen in SECURITY:
        for door in doors:
            yield Case(name, door, options=options, want=want, unseen=unseen)
    for name, doors, options in OPTIONS:
        for door in doors:
            yield Case(name, door, options=options)
    for door, capabilities in CAPABILITIES.items():
        yield Case("probe", door, command="probe", options={"--user": None, "--password-file": None},
                   capabilities=capabilities)


def more_content_cases():
    for door in MORE:
        for name, content in CONTENTS + CONTENTS_8BIT:
            if name != "header alone":      # an empty line is put behind it, or it is refused
                yield Case(name, door, content)
        for name, content in CONTENTS_8BIT:
            if door.split()[0] in ("exim", "opensmtpd", "sendmail"):
                yield Case(name + ", relayed", door, content, to=("alice@relay.example.test",))
    for door in OTHERS:
        yield Case("dots and 8 bit", door, CONTENTS[0][1] + "Größe\r\n.\r\n".encode())
    for name, to, options, envelope, recipient in DSN:
        for door in ("exim starttls", "opensmtpd clear", "sendmail starttls"):
            yield Case("DSN: " + name, door, HELLO, to=to, options=options, envelope=envelope, recipient=recipient)
    for door in ("gosmtp starttls", "chasquid starttls"):
        yield Case("DSN is not offered", door, options={"--ret": "hdrs"}, want=REFUSED_UNSENT, unseen=("mail",))


def more_outcome_cases():
    for door in ("exim starttls", "exim clear", "opensmtpd clear", "sendmail clear", "gosmtp starttls", "postfix few"):
        for name, outcomes, want in MORE_RECIPIENTS:
            if door.startswith("exim"):
                outcomes = {to: (outcome, code, None) for to, (outcome, code, _) in outcomes.items()}
            yield Case("recipients: " + name, door, HELLO, to=tuple(outcomes), outcomes=tuple(outcomes.values()),
                       want=want)
        for name, sender, outcome, status in SENDERS:
            want = {"status": outcome[0], "exit": status, "code": outcome[1], "phase": "mail"}
            yield Case(name, door, HELLO, options={"--from": sender}, outcomes=((*outcome[:2], None),), want=want)
    for door in CHASQUID:
        outcomes = {"nobody@example.test": NOBODY, "alice@example.test": ACCEPTED, "bob@example.test": ACCEPTED}
        yield Case("recipients: one unknown", door, HELLO, to=tuple(outcomes), outcomes=tuple(outcomes.values()),
                   want={"status": "PARTIAL", "exit": 1})
    for door in ("exim clear", "sendmail clear", "opensmtpd clear", "gosmtp few"):
        yield Case("larger than SIZE", door, HEADER + BIG + BIG, want=REFUSED_UNSENT)
    for door in FEW:
        yield Case("more recipients than taken at once", door, HELLO, to=MANY)


def more_session_cases():
    for door in MORE_MECHANISMS:
        for mechanism in ("PLAIN", "LOGIN"):
            yield Case("AUTH " + mechanism, door, HELLO, options={"--auth": mechanism})
    for door in ("exim starttls", "sendmail starttls", "gosmtp starttls", "chasquid starttls"):
        logged = "no MAIL in SMTP connection" if door.startswith("exim") else ""
        yield Case("wrong password", door, options={"--password-file": "{wrong_password_file}"}, want=AUTH_FAILED,
                   unseen=("mail",), logged=logged)
        yield Case("untrusted authority", door, options={"--ca": "{other_ca}"}, want=TLS_FAILED,
                   unseen=("auth", "mail"))
    yield Case("STARTTLS is not offered", "opensmtpd clear", options={"--tls": "starttls"}, want=TLS_FAILED)
    yield Case("opportunistic", "opensmtpd clear", HELLO, options={"--tls": "opportunistic"})


def all_cases():
    yield from content_cases()
    yield from dsn_cases()
    yield from outcome_cases()
    yield from session_cases()
    yield from more_content_cases()
    yield from more_outcome_cases()
    yield from more_session_cases()
