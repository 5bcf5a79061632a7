#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""command.py POSTEL SINK [PATTERN]: runs the command POSTEL against SINK and compares what it says with what was to be.

A case runs with --json and --trace and, unless one like it did, for people.  What every run must keep to is checked for
every case: the form of the output, the exit status, that the sink's ledger has what was accepted and nothing else, and
that no secret is anywhere.  PATTERN takes only the cases whose name it matches.  Shows each failed case; the last line
is "N passed, N failed".
"""
import base64
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.parse

TIMEOUT_S = 60      # a run that takes this long has failed; nothing waits for it otherwise

# The whole of each table is in the man page, the names in include/postel/error.h and result.h.
EXIT = {"OK": 0, "PARTIAL": 1, "UNKNOWN": 2, "INVALID": 65, "HOST_UNKNOWN": 68, "REJECTED": 69, "UNSUPPORTED": 69,
        "CONNECT": 74, "IO": 74, "CLOSED": 74, "DEFERRED": 75, "TIMEOUT": 75, "INTERRUPTED": 75, "PROTOCOL": 76,
        "TLS": 77, "AUTH": 77, "POLICY": 65}
PHASES = ("none pool resolve connect tls greeting ehlo auth mail rcpt data body final rset noop quit").split()
STEPS = ("resolve", "connect", "tls", "greeting", "ehlo", "auth")
FORM = {
    "send": {"id": type(None), "status": str, "phase": str, "code": int, "enhanced": str, "text": str,
             "queue_id": str, "recipients": list, "attempts": int, "ms": int},
    "recipient": {"address": str, "outcome": str, "phase": str, "code": int, "enhanced": str, "text": str},
    "probe": {"status": str, "phase": str, "code": int, "text": str, "host": str, "port": int,
              "socket": str, "protocol": str, "secure": bool, "authenticated": bool, "tls": list, "capabilities": list,
              "max_size": int, "limits": dict, "times_ms": dict, "ms": int},
    "times_ms": dict.fromkeys(STEPS, float),
}

PASSWORD = "geheim:Wörter-%41!+Zx"
WRONG = "falsch-" + PASSWORD
LONG = "abcdefghijklmnop" * 64                                      # as long as a password may be
SECRETS = [PASSWORD, WRONG, LONG[:48], "umgebung-93ae17c0", "zeile-eins-4f7b\nzeile-zwei-88d1"]
MESSAGE = b"From: <a@example.test>\r\nSubject: command\r\n\r\nhello\r\n.dots\r\n.\r\n"


def secret_forms():
    """Each secret as it is, percent-encoded, and as it looks anywhere inside base64."""
    for secret in (part.encode() for secret in SECRETS for part in secret.split("\n")):
        yield secret
        yield urllib.parse.quote(secret).encode()
        for k in range(3):
            yield base64.b64encode(bytes(k) + secret)[-(-8 * k // 6):(k + len(secret)) * 8 // 6]


FORMS_OF_SECRETS = set(secret_forms())


@dataclasses.dataclass
class Case:
    name: str
    options: dict = dataclasses.field(default_factory=dict)     # over BASE; None takes one away
    want: str = "OK"            # the status, or several with | between
    command: str = "send"
    outcomes: str = ""          # of each recipient; "" for what the status says of all
    message: bytes = MESSAGE    # what is in the file, or comes through a pipe
    file: str = "message"       # the operand, in the work directory
    stdin: bytes = b""
    arrives: bytes = None       # another content than MESSAGE
    env: dict = dataclasses.field(default_factory=dict)
    sink: tuple = ()            # settings for the time of the case, such as "fault mail=421"
    text: str = ""              # the text of the result must match
    result: dict = dataclasses.field(default_factory=dict)      # other members of it
    ledger: dict = dataclasses.field(default_factory=dict)      # members of what arrived
    trace: str = ""             # the whole trace must match
    shows: str = ""             # the output for people must match
    people: bool = None         # whether it runs for people too; None: if no case of this kind did
    connects: object = None     # True, False, "maybe"; None: if the command came so far
    lands: bool = None          # whether it arrives; None: as the outcomes say
    prefix: tuple = ()          # the command that runs the command


class Sink:
    """A running sink."""

    def __init__(self, program, directory):
        self.ledger_path = os.path.join(directory, "ledger")
        with open(os.path.join(directory, "users"), "w", encoding="utf-8") as file:
            print(f"reports:{PASSWORD}", f"long:{LONG}", f"env:{SECRETS[3]}", "empty:", sep="\n", file=file)
        self.process = subprocess.Popen(
            [program, "--smtp", "0", "--smtps", "0", "--lmtp", "0", "--lmtps", "0", "--control", "0",
             "--lmtp-socket", directory + "/lmtp.sock", "--smtp-socket", directory + "/smtp.sock",
             "--self-signed", directory + "/ca.pem", "--users", directory + "/users",
             "--ledger", self.ledger_path, "--exit-on-eof"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ports = dict(word.split("=") for word in self.process.stdout.readline().split()[1:])
        self.smtp, self.smtps, self.lmtp, self.lmtps = (ports[name] for name in ("smtp", "smtps", "lmtp", "lmtps"))
        self.control = socket.create_connection(("127.0.0.1", int(ports["control"])), TIMEOUT_S)
        self.answers = self.control.makefile()
        self.seen = 0

    def close(self):
        self.control.close()
        self.process.communicate()

    def ask(self, line):
        self.control.sendall(line.encode("utf-8", "surrogateescape") + b"\n")
        return self.answers.readline().rstrip("\n")

    def stats(self):
        return json.loads(self.ask("stats"))

    def arrived(self):
        """What came since the last call."""
        with open(self.ledger_path, encoding="utf-8") as file:
            entries = [json.loads(line) for line in file]
        self.seen, new = len(entries), entries[self.seen:]
        return new

    @contextlib.contextmanager
    def settings(self, lines):
        for line in lines:
            if (answer := self.ask("set " + line)) != "ok":
                raise RuntimeError(f"sink: set {line}: {answer}")
        yield
        for line in lines:
            self.ask("clear " + line.split()[0])


class World:
    """The command, a sink, and a directory with files for them."""

    def __init__(self, postel, sink, directory):
        self.postel, self.directory = os.path.abspath(postel), directory
        self.sink = Sink(os.path.abspath(sink), directory)
        self.used = {"send": {"json", "trace"}, "probe": {"json", "trace"}}
        self.shown = set()
        self.closed = socket.socket()       # bound, but nobody listens
        self.closed.bind(("127.0.0.1", 0))
        self.write("password", PASSWORD.encode())
        self.write("message", MESSAGE)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def options_file(self, name, value):
        return self.write(name, json.dumps(value).encode())

    def base(self, command):
        where = {"host": "127.0.0.1", "port": self.sink.smtp, "tls": "none"}
        # By DATA, so that every fault has its place.
        return where | ({"from": "a@example.test", "to": "b@example.test", "chunking": "never"}
                        if command == "send" else {})

    def words(self, case):
        words = [*case.prefix, self.postel, case.command]
        for name, value in (self.base(case.command) | case.options).items():
            if value is True:
                words.append("--" + name)
            elif value is not None:
                for each in [value] if isinstance(value, str) else value:
                    words += ["--" + name, each]
        return words + ([case.file] if case.command == "send" else [])

    def environment(self, more):
        return {key: value for key, value in os.environ.items() if key != "POSTEL_PASSWORD"} | more

    def call(self, words, stdin=b"", env={}):
        try:
            return subprocess.run(words, input=stdin, capture_output=True, timeout=TIMEOUT_S, check=False,
                                  cwd=self.directory, env=self.environment(env))
        except subprocess.TimeoutExpired as expired:
            return subprocess.CompletedProcess(words, "none: it does not end", expired.stdout or b"",
                                               expired.stderr or b"")


# ---- What every run must keep to ----

def differ(what, want, got):
    if want != got:
        yield f"{what}: want {want!r}, got {got!r}"


def unlike(what, pattern, text):
    if pattern and not re.search(pattern, text, re.S):
        yield f"{what}: want /{pattern}/, got {text!r}"


def check_output(done):
    """Nothing secret, nothing that could steer a terminal."""
    output = done.stdout + done.stderr
    for form in FORMS_OF_SECRETS:
        if form in output:
            yield f"the output has the secret {form!r}: {output!r}"
    try:
        if control := re.search("[\0-\x09\x0b-\x1f\x7f-\x9f]", output.decode()):
            yield f"the output has the control character {control[0]!r}"
    except UnicodeDecodeError as fault:
        yield f"the output is no UTF-8: {fault}"


def check_form(what, form, value):
    yield from differ(f"members of {what}", list(form), list(value))
    for name, kind in form.items():
        if type(value.get(name)) is not kind:   # a bool is an int, too
            yield f"{what}: {name} is no {kind.__name__}: {value.get(name)!r}"


def one_line(stdout):
    """The object; None when it is not exactly one in one line of ASCII."""
    try:
        return json.loads(stdout.decode("ascii")) if re.fullmatch(rb"\{[^\n]*\}\n", stdout) else None
    except ValueError:
        return None


def outcomes(case, recipients):
    implied = {"OK": "ACCEPTED", "REJECTED": "REJECTED", "DEFERRED": "DEFERRED", "UNKNOWN": "UNKNOWN"}
    return case.outcomes.split() or [implied.get(case.want, "NOT_SENT")] * len(recipients)


def check_send(case, result):
    recipients = result["recipients"]
    for recipient in recipients:
        yield from check_form("a recipient", FORM["recipient"], recipient)
    to = case.options.get("to", "b@example.test")
    if not case.options.keys() & {"to-file", "options-file"}:
        want = [to] if isinstance(to, str) else to or []
        yield from differ("addresses", [text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                                        for text in want], [r["address"] for r in recipients])
    yield from differ("outcomes", outcomes(case, recipients), [r["outcome"] for r in recipients])
    if case.want == "OK" and not (result["code"] == 250 and result["queue_id"] and result["attempts"] == 1):
        yield f"OK, but {result}"


def check_result(case, done, result):
    yield from differ("exit status", EXIT[case.want], done.returncode)
    yield from differ("status", case.want, result["status"])
    if result["phase"] not in PHASES:
        yield f"phase: {result['phase']!r} is none"
    if case.want != "OK" and not result["text"]:
        yield "text: does not say why"
    yield from unlike("text", case.text, result["text"])
    for name, want in case.result.items():
        yield from differ(name, want, result.get(name))


def check_json(case, done, result):
    if result is None:
        yield f"standard output is not one object in one line: {done.stdout!r}, stderr: {done.stderr!r}"
        return
    yield from check_form("the result", FORM[case.command], result)
    if list(result) != list(FORM[case.command]):
        return
    yield from check_result(case, done, result)
    if case.command == "send":
        yield from check_send(case, result)
    else:
        yield from check_form("times_ms", FORM["times_ms"], result["times_ms"])
    trace = done.stderr.decode(errors="replace")
    if not re.fullmatch(r"([><*] [^\n]*\n)*", trace):
        yield f"standard error has more than the trace: {trace!r}"
    yield from unlike("trace", case.trace, trace)


def shown(text):
    """As the command shows a text that came from outside: the tests use no C1 characters."""
    octets = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub("[\0-\x1f\x7f]", lambda m: r"\n" if m[0] == "\n" else f"\\x{ord(m[0]):02x}", octets)


def check_people(case, done, result):
    """`result` is that of the other run of the case."""
    yield from differ("exit status", EXIT[case.want], done.returncode)
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    yield from unlike("standard output", case.shows, out)
    if case.want == "OK":
        yield from differ("standard error", "", err)
    elif not re.fullmatch(rf"postel: {case.want}: [^\n]+\n", err):
        yield f"standard error: {err!r}"
    if case.command == "probe":
        return
    word = "accepted" if case.want == "OK" else case.want.lower().replace("_", " ")
    lines = out.splitlines()
    yield from unlike("standard output", rf"\A{word}: \S", out)
    listed = [] if case.want == "OK" else [
        f"{shown(r['address'])}: {r['outcome'].lower().replace('_', ' ')}" for r in result["recipients"]]
    if "\ufffd" not in "".join(listed):
        yield from differ("recipients shown", listed, [line[:len(want)] for line, want in zip(lines[1:], listed)])
    yield from differ("lines shown", 1 + len(listed), len(lines))


def content(case):
    return case.message if case.arrives is None else case.arrives


def check_arrival(world, case, result):
    """Whatever the command said, the ledger has the truth."""
    stats, entries = world.sink.stats(), world.sink.arrived()
    connects = case.want not in ("INVALID", "HOST_UNKNOWN", "CONNECT") if case.connects is None else case.connects
    if connects != "maybe":
        yield from differ("connections", int(connects), stats["connections"])
    said = [r for r in (result or {}).get("recipients", [])]
    to = [r["address"] for r in said if r["outcome"] == "ACCEPTED" or case.lands]
    yield from differ("messages that arrived", int(bool(to)), len(entries))
    if case.want == "UNSUPPORTED":
        yield from differ("envelopes begun", 0, stats["commands"]["MAIL"])
    for entry in entries:
        yield from differ("recipients that arrived", to, [r["address"] for r in entry["to"]])
        yield from differ("size", len(content(case)), entry["size"])
        yield from differ("SHA-256", hashlib.sha256(content(case)).hexdigest(), entry["sha256"])
        for name, want in case.ledger.items():
            got = [r["params"] for r in entry["to"]] if name == "params" else entry.get(name)
            yield from differ(f"{name} that arrived", want, got)


def settled(case, done):
    """The case with one status, where chance chooses among several."""
    said = re.search(r'"status":"(\w+)"|^postel: (\w+): ', (done.stdout + done.stderr).decode(errors="replace"), re.M)
    said = said and (said[1] or said[2])
    return dataclasses.replace(case, want=said if said in case.want.split("|") else case.want.split("|")[0])


def is_for_people(world, case):
    """Words of a server are always shown; else one of each kind is enough."""
    kind = (case.command, case.want, case.outcomes)
    is_new = kind not in world.shown
    world.shown.add(kind)
    return case.people if case.people is not None else is_new or bool(case.shows or case.sink)


def run_case(world, case):
    """Returns what was wrong, line by line."""
    wrong, result, some = [], None, case
    if case.file == "message":
        world.write("message", case.message)
    for mode in (["--json", "--trace"], [])[:1 + is_for_people(world, case)]:
        with world.sink.settings(case.sink):
            world.sink.ask("reset-stats")
            words = world.words(case)
            at = words.index(case.command) + 1
            done = world.call(words[:at] + mode + words[at:], case.stdin, case.env)
            case = settled(some, done)
            found = list(check_output(done))
            if mode:
                result = one_line(done.stdout)
                found += check_json(case, done, result)
            elif result:
                found += check_people(case, done, result)
            found += check_arrival(world, case, result)
        wrong += [f"{' '.join(mode) or 'for people'}: {line}"[:1500] for line in found]
    return wrong


# ---- Cases ----

def where_cases(world):
    smtp, smtps, ca = world.sink.smtp, world.sink.smtps, world.path("ca.pem")
    untold = {"host": None, "port": None, "tls": None, "ca": ca}
    world.write("no-ca.pem", b"this is no certificate\n")
    os.mkdir(world.path("cas"))
    shutil.copy(ca, world.path("cas"))
    secure, clear = {"tls": True}, {"tls": False}
    for name, options, ledger in (
            ("in the clear", {}, clear),
            ("STARTTLS", {"tls": "starttls", "ca": ca}, secure),
            ("STARTTLS is the default", {"tls": None, "ca": ca}, secure),
            ("implicit TLS", {"tls": "implicit", "ca": ca, "port": smtps}, secure),
            ("opportunistic TLS", {"tls": "opportunistic", "ca": ca}, secure),
            ("a URL with STARTTLS", untold | {"url": f"smtp://127.0.0.1:{smtp}"}, secure),
            ("a URL with implicit TLS", untold | {"url": f"smtps://localhost:{smtps}/"}, secure),
            ("a percent-encoded host", untold | {"url": f"SMTPS://l%6fcalhost:{smtps}"}, secure),
            ("options override the URL", {"url": "smtps://reports@no-such-host.invalid:1", "port": smtp, "user": "env"}
             | {"tls": "starttls", "ca": ca, "password-file": world.write("env", SECRETS[3].encode())},
             secure | {"user": "env"}),
            ("the last of an option counts", {"port": ["1", smtp]}, clear),
            ("a name for the certificate", {"tls": "starttls", "ca": ca, "server-name": "localhost"}, secure),
            ("a directory of certificates", {"tls": "starttls", "ca-directory": "cas"}, secure),
            ("the system's certificates too", {"tls": "starttls", "ca": ca, "system-trust": True}, secure),
            ("an EHLO name", {"ehlo": "client.example.test"}, {"helo": "client.example.test"}),
            ("an EHLO name that is an address", {"ehlo": "[IPv6:::1]"}, {"helo": "[IPv6:::1]"})):
        yield Case(name, options, ledger=ledger)
    yield Case("opportunistic TLS that is not offered", {"tls": "opportunistic"}, ledger=clear,
               sink=("without STARTTLS",))
    for name, options, want, text in (
            ("a name that the certificate is not for", {"ca": ca, "server-name": "other.example"}, "TLS",
             "other.example"),
            ("a certificate that nobody trusts", {}, "TLS", "certificate"),
            ("the system does not trust the sink", {"system-trust": True}, "TLS", "certificate")):
        yield Case(name, {"tls": "starttls"} | options, want, text=text, result={"phase": "tls"})
    yield Case("STARTTLS that is not offered", {"tls": "starttls", "ca": ca}, "TLS", sink=("without STARTTLS",),
               text="STARTTLS")
    for name, options, text in (
            ("a CA file that is missing", {"ca": "nowhere"}, "nowhere"),
            ("a CA file that is no certificate", {"ca": "no-ca.pem"}, "no-ca.pem"),
            ("a CA file that is a directory", {"ca": "cas"}, "cas"),
            ("a CA directory that is missing", {"ca-directory": "nowhere"}, "nowhere")):
        yield Case(name, {"tls": "starttls"} | options, "TLS", text=text, connects=False)
    yield Case("an unknown host", {"host": "no-such-host.invalid"}, "HOST_UNKNOWN", text="no-such-host.invalid",
               result={"phase": "resolve"})
    closed = {"port": str(world.closed.getsockname()[1])}
    yield Case("nobody listens", closed, "CONNECT", text=closed["port"], result={"phase": "connect"})
    yield Case("nobody listens at an IPv6 address",
               {"url": f"smtp://[::1]:{closed['port']}", "host": None, "port": None}, "CONNECT", text="::1")
    yield Case("no host", {"host": None}, "INVALID", text="host")
    for url, text in (("", "scheme"), ("x", "scheme"), ("http://h", "scheme"), ("lmtp+unix:x", "path"), ("lmtp+unix:", "path"),
                      ("smtp:h", "scheme"), ("smtp://", "host"), ("smtp://u@", "host"), ("smtp://h/x", "host"),
                      ("smtp://h?x", "host"), ("smtp://[::1", "host"), ("smtp://[::1]x", "host"), ("smtp://h:", "port"),
                      ("smtp://h:0", "port"), ("smtp://h:65536", "port"), ("smtp://h:25x", "port"),
                      ("smtp://h:-1", "port"), ("smtp://h%0dx", "host.*CR"), ("smtp://u%0a@h", "user.*CR"),
                      ("smtp://u%00@h", "user"), ("smtp://u%zz@h", "user"), ("smtp://@h", "user")):
        yield Case(f"URL {url}", {"url": url, "host": None, "port": None, "tls": None}, "INVALID", text=text,
                   env={"POSTEL_PASSWORD": PASSWORD})
    secret = urllib.parse.quote(PASSWORD, safe="")
    for url, text in ((f"smtp://reports:{secret}@127.0.0.1:{smtp}", "^--url: .*password"),
                      (f"smtps://reports:{PASSWORD}@127.0.0.1:{smtps}", "^--url: .*password"),
                      (f"smtp://reports:@{secret}@127.0.0.1", "^--url: .*password"),
                      (f"smtp://reports:@127.0.0.1:{smtp}", "^--url: .*password"),
                      (f"smtp://reports:{secret}@127.0.0.1:99999", "^url: the port"),
                      (f"http://reports:{secret}@127.0.0.1", "^url: the scheme"),
                      (f"smtp://reports:{secret}/@127.0.0.1", "^url: the host"),
                      (f"smtp://reports:{secret}%zz@127.0.0.1", "^url: the password"),
                      (f"smtp://reports:{secret}@", "^url: the host")):
        for command in ("send", "probe"):
            yield Case(f"{command}: a password in a URL: {url}", untold | {"url": url}, "INVALID", command, text=text,
                       env={"POSTEL_PASSWORD": PASSWORD}, people=True)
    for port in ("", "0", "-1", "65536", "25x", "x", " 25", "0x19", "1e3", "99999999999999999999"):
        yield Case(f"port {port!r}", {"port": port}, "INVALID", text="^--port: ")


def who_cases(world):
    ca, file = world.path("ca.pem"), world.path("password")
    tls = {"tls": "starttls", "ca": ca}
    login = tls | {"user": "reports", "password-file": file}
    by_url = {"url": f"smtp://reports@localhost:{world.sink.smtp}", "host": None, "port": None, "tls": None, "ca": ca}
    for name, options, more in (
            ("PLAIN is the default", login, {"trace": r"> AUTH PLAIN \*\*\*\n< 235"}),
            ("LOGIN", login | {"auth": "LOGIN"}, {"trace": r"> AUTH LOGIN.*\n< 334 \*\*\*\n> \*\*\*\n< 235"}),
            ("PLAIN by name", login | {"auth": "PLAIN"}, {}),
            ("a user in a URL", by_url | {"password-file": file}, {}),
            ("a percent-encoded user", by_url | {"url": f"smtp://re%70orts@localhost:{world.sink.smtp}"},
             {"env": {"POSTEL_PASSWORD": PASSWORD}}),
            ("a password from the environment", tls | {"user": "reports"}, {"env": {"POSTEL_PASSWORD": PASSWORD}}),
            ("a file goes before the environment", login, {"env": {"POSTEL_PASSWORD": WRONG}}),
            ("a password from standard input", login | {"password-file": "-"}, {"stdin": PASSWORD.encode() + b"\n"}),
            ("no TLS, by two choices", login | {"tls": "none", "ca": None, "allow-plaintext-auth": True},
             {"sink": ("auth-without-tls on",)})):
        yield Case("login: " + name, options, ledger={"user": "reports"}, **more)
    for name, octets in (("nothing behind it", b""), ("LF", b"\n"), ("CRLF", b"\r\n")):
        world.write("long" + name, LONG.encode() + octets)
        yield Case(f"a password of 1024 octets, {name}", tls | {"user": "long", "password-file": "long" + name},
                   ledger={"user": "long"})
    yield Case("an empty password", tls | {"user": "empty", "password-file": world.write("empty", b"\n")},
               ledger={"user": "empty"})
    for name, octets, text in (
            ("1025 octets", LONG.encode() + b"x", "--password-file: .*1024"),
            ("1025 octets and a newline", LONG.encode() + b"x\r\n", "--password-file: .*1024"),
            ("a megabyte", LONG.encode() * 1024, "--password-file: .*1024"),
            ("two newlines", PASSWORD.encode() + b"\n\n", "password: .*LF"),
            ("two lines", SECRETS[4].encode(), "password: .*LF"),
            ("a CR", PASSWORD.encode() + b"\r", "password: .*CR"),
            ("a NUL", PASSWORD.encode() + b"\0x", "--password-file: .*NUL")):
        yield Case(f"a password file with {name}", login | {"password-file": world.write("pw " + name, octets)},
                   "INVALID", text=text)
    for name, path, text in (("missing", "nowhere", "No such file"), ("a directory", ".", "directory"),
                             ("the password itself", PASSWORD, "No such file")):
        yield Case(f"a password file that is {name}", login | {"password-file": path}, "INVALID",
                   text=f"--password-file: .*{text}")
    for name, password, text in (("of 1025 octets", LONG + "x", "POSTEL_PASSWORD: .*1024"),
                                 ("with a newline", SECRETS[4], "password: .*LF")):
        yield Case(f"a password from the environment {name}", tls | {"user": "reports"}, "INVALID",
                   env={"POSTEL_PASSWORD": password}, text=text)
    yield Case("a user without password", tls | {"user": "reports"}, "INVALID", text="POSTEL_PASSWORD")
    yield Case("an empty user", login | {"user": ""}, "INVALID", text="user: .*empty")
    yield Case("a password without user", login | {"user": None}, "INVALID", text="--password-file: needs a user")
    yield Case("standard input for password and message", login | {"password-file": "-"}, "INVALID", file="-",
               stdin=PASSWORD.encode(), text="--password-file: standard input")
    yield Case("standard input for password and recipients", login | {"password-file": "-", "to-file": "-", "to": None},
               "INVALID", stdin=PASSWORD.encode(), text="--password-file: standard input")
    wrong = login | {"password-file": world.write("wrong", WRONG.encode())}
    for mechanism in ("PLAIN", "LOGIN"):
        yield Case(f"a wrong password, {mechanism}", wrong | {"auth": mechanism}, "AUTH",
                   result={"phase": "auth", "code": 535})
    plain = base64.b64encode(f"\0reports\0{PASSWORD}".encode()).decode()
    for mechanism, echo in (("PLAIN", plain), ("PLAIN", PASSWORD), ("LOGIN", PASSWORD)):
        yield Case(f"{mechanism}: a server that repeats {echo}", login | {"auth": mechanism}, "AUTH",
                   sink=(f"fault auth=535 5.7.8 You said {echo}",), text="secret")
    yield Case("no AUTH is offered", login, "AUTH", sink=("without AUTH",))
    yield Case("a password never travels without TLS", login | {"tls": "none", "ca": None}, "AUTH",
               sink=("auth-without-tls on",), trace=r"\A(?!.*AUTH \w+ \*)")
    yield Case("nor with opportunistic TLS", login | {"tls": "opportunistic", "allow-plaintext-auth": True}, "AUTH",
               sink=("auth-without-tls on", "without STARTTLS"), trace=r"\A(?!.*AUTH \w+ \*)")
    yield Case("an unknown mechanism", login | {"auth": "GSSAPI"}, "INVALID", text="authentication mechanism: ")
    yield Case("login is demanded", tls, "REJECTED", sink=("require-auth on",), result={"code": 530})


def what_cases(world):
    eight_bit, crlf = "Subject: u\r\n\r\nä\r\n".encode(), b"Subject: x\r\n\r\n"
    long_line = crlf + b"y" * 999 + b"\r\n"
    many = [f"r{i}@example.test" for i in range(300)]
    address = "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 61
    for name, message, arrives in (
            ("an empty message", b"", b""),
            ("a lone dot", b".", b".\r\n"),
            ("other newlines", b"a\nb\rc\r\nd", b"a\r\nb\r\nc\r\nd\r\n"),
            ("8-bit octets", eight_bit, eight_bit),
            ("a long line", long_line, long_line),
            ("a megabyte", b"0123456\r\n" * 116509, b"0123456\r\n" * 116509)):
        yield Case(name, message=message, arrives=arrives)
        yield Case(name + " through a pipe", file="-", stdin=message, arrives=arrives)
    for name, options, ledger in (
            ("the null reverse-path", {"from": ""}, {"from": ""}),
            ("addresses of 254 octets", {"from": address, "to": address}, {"from": address}),
            ("a quoted local part", {"from": '"a b"@example.test', "to": '"@"@example.test'}, {}),
            ("many recipients", {"to": many}, {}),
            ("one recipient twice", {"to": ["b@example.test", "b@example.test"]}, {}),
            ("RET=FULL", {"ret": "full"}, {"mail_params": ["RET=FULL"]}),
            ("RET=HDRS", {"ret": "hdrs"}, {"mail_params": ["RET=HDRS"]}),
            ("^envid: ", {"envid": "a+b=c d"}, {"mail_params": ["ENVID=a+2Bb+3Dc+20d"]}),
            ("NOTIFY=NEVER", {"notify": "never", "to": many[:2]}, {"params": [["NOTIFY=NEVER"]] * 2}),
            ("NOTIFY of many", {"notify": "delay,success,failure"}, {"params": [["NOTIFY=SUCCESS,FAILURE,DELAY"]]}),
            ("^orcpt of to 1: ", {"orcpt": "rfc822;a+b@example.org"}, {"params": [["ORCPT=rfc822;a+2Bb@example.org"]]}),
            ("7bit", {"body": "7bit"}, {"mail_params": ["BODY=7BIT"]}),
            ("auto", {"body": "auto"}, {"mail_params": []}),
            ("8bitmime", {"body": "8bitmime"}, {"mail_params": ["BODY=8BITMIME"]})):
        if "mail_params" in ledger:
            ledger["mail_params"].insert(0, f"SIZE={len(MESSAGE)}")
            ledger["mail_params"].sort(key=lambda text: text[:2] != "SI")
        yield Case(name, options, ledger=ledger)
    yield Case("8-bit octets are declared", message=eight_bit,
               ledger={"mail_params": [f"SIZE={len(eight_bit)}", "BODY=8BITMIME"]})
    for name, options, message, text in (
            ("8-bit octets in 7bit", {"body": "7bit"}, eight_bit, "8-bit"),
            ("a NUL", {}, b"a\0b\r\n", "NUL"),
            ("a lone LF", {"newlines": "refuse"}, b"a\r\nb\nc\r\n", "LF"),
            ("a lone CR", {"newlines": "refuse"}, b"a\r\nb\rc\r\n", "CR"),
            ("a line over 998 octets", {"max-line": "refuse"}, long_line, "998")):
        yield Case("refuses " + name, options, "INVALID", message=message, text=text, connects=True)
        yield Case(f"refuses {name} through a pipe", options, "INVALID", file="-", stdin=message, text=text,
                   connects=True)
    yield Case("newlines that need not be refused", {"newlines": "refuse", "max-line": "refuse"})
    yield Case("newlines and long lines by choice", {"newlines": "normalize", "max-line": "pass"}, arrives=long_line,
               message=long_line[:-2])
    for name, options, message, sink, text in (
            ("DSN", {"ret": "full"}, MESSAGE, "without DSN", "DSN"),
            ("DSN for a recipient", {"notify": "never"}, MESSAGE, "without DSN", "DSN"),
            ("8BITMIME", {}, eight_bit, "without 8BITMIME", "8BITMIME"),
            ("8BITMIME by choice", {"body": "8bitmime"}, MESSAGE, "without 8BITMIME", "8BITMIME"),
            ("the size", {}, MESSAGE, "max-size 10", "10")):
        yield Case(f"the server does not take {name}", options, "UNSUPPORTED", message=message, sink=(sink,), text=text)
    world.write("list", b"c@example.test\n\n \t\r\nd@example.test\r\ne@example.test")
    yield Case("recipients in a file", {"to": None, "to-file": "list"}, outcomes="ACCEPTED " * 3)
    yield Case("recipients in a file besides others", {"to-file": "list"}, outcomes="ACCEPTED " * 4)
    yield Case("recipients on standard input", {"to": None, "to-file": "-"}, outcomes="ACCEPTED",
               stdin=b"b@example.test\n")
    for name, octets, text in (("a NUL", b"b@example.test\n\0x\n", "--to-file: .*NUL"),
                               ("a CR in a line", b"b@example\r.test\n", "^to 1: .*CR"),
                               ("nobody", b"\n", "^to: ")):
        yield Case(f"a list of recipients with {name}", {"to": None, "to-file": world.write("to " + name, octets)},
                   "INVALID", text=text)
    for name, path, text in (("missing", "nowhere", "No such file"), ("a directory", ".", "directory")):
        yield Case(f"a list of recipients that is {name}", {"to-file": path}, "INVALID", outcomes="NOT_SENT",
                   text=f"^--to-file: .*{text}")
    yield Case("standard input for recipients and message", {"to-file": "-"}, "INVALID", file="-", outcomes="NOT_SENT",
               text="--to-file: standard input")
    unreadable = world.write("unreadable", MESSAGE)
    os.chmod(unreadable, 0)
    drop = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    for name, file, text, prefix in (("missing", "nowhere", "nowhere: No such file", ()),
                                     ("a directory", ".", "directory", ()),
                                     ("unreadable", unreadable, "Permission denied", drop)):
        yield Case(f"a message that is {name}", {}, "IO", file=file, text=text, prefix=prefix, connects=False)
    yield Case("a message that fails while it is read", {}, "IO", file="/proc/self/mem", text="reading failed",
               connects=True)


def parameter_cases(world):
    """Each parameter of an extension: as it arrives, where it is not offered, and what it may not be."""
    tls, crlf = {"tls": "starttls", "ca": world.path("ca.pem")}, ("a\rb", "a\nb", "b\r", "b\n")
    for option, value, offer, params in (
            ("by", "120;R", "DELIVERBY", "BY=120;R"), ("by", "-5;NT", "DELIVERBY", "BY=-5;NT"),
            ("by", "0;N", "DELIVERBY=60", "BY=0;N"), ("by", "60;RT", "DELIVERBY=60", "BY=60;RT"),
            ("hold-for", "60", "FUTURERELEASE=900 2030-01-01T00:00:00Z", "HOLDFOR=60"),
            ("hold-until", "2026-12-24T18:00:00Z", "FUTURERELEASE=99999999 2030-01-01T00:00:00Z",
             "HOLDUNTIL=2026-12-24T18:00:00Z"),
            ("mt-priority", "-9", "MT-PRIORITY", "MT-PRIORITY=-9"), ("mt-priority", "+3", "MT-PRIORITY", "MT-PRIORITY=3"),
            ("mt-priority", "4,MIXER", "MT-PRIORITY=MIXER", "MT-PRIORITY=4"),
            ("require-tls", True, "REQUIRETLS", "REQUIRETLS"),
            ("auth-param", "c+d@example.test", None, "AUTH=c+2Bd@example.test"),
            ("auth-param", "", None, "AUTH=<>"), ("auth-param", "<>", None, "AUTH=<>"),
            ("smtputf8", True, None, "SMTPUTF8"), ("body", "8bitmime", None, "BODY=8BITMIME")):
        needs = tls if option in ("require-tls", "auth-param") else {}
        yield Case(f"--{option} {value}", needs | {option: value}, sink=(f"with {offer}",) if offer else (),
                   people=False, trace=rf"> MAIL FROM:<a@example.test>[^\n]* {re.escape(params)}[ \n]")
        without = {"smtputf8": "SMTPUTF8", "body": "8BITMIME", "auth-param": "AUTH"}.get(option)
        yield Case(f"--{option} {value} is not offered", needs | {option: value}, "UNSUPPORTED", people=False,
                   sink=(f"without {without}",) if without else ())
    yield Case("--require-tls without TLS", {"require-tls": True}, "UNSUPPORTED", sink=("with REQUIRETLS",))
    for option, value, offer in (("by", "59;R", "DELIVERBY=60"), ("mt-priority", "4,NSEP", "MT-PRIORITY=MIXER"),
                                 ("hold-for", "901", "FUTURERELEASE=900 2030-01-01T00:00:00Z")):
        yield Case(f"--{option} {value} is beyond the offer", {option: value}, "UNSUPPORTED", sink=(f"with {offer}",))
    number = "^--{}: must be a "
    for option, values, text in (
            ("by", ("", "x", "5", ";R", "5;", "5;r", "5;X", "5;RTT", "5; R", " 5;R", "1.5;R", "0x5;R", "--5;R", "5;R\n",
                    "99999999999999999999;R"), "^--by: must be a number of seconds"),
            ("by", ("0;R", "-1;RT", "1000000000;N"), "^by: "),
            ("hold-for", ("", "x", "1.5", "1s", " 1", "1\r", "99999999999999999999"), number.format("hold-for") + "|whole"),
            ("hold-for", ("-1", "1000000000"), "^hold_for: "),
            ("hold-until", ("", "x", "2026-12-24", "2026-13-01T00:00:00Z", "\udcff", "\x7f", *crlf), "^hold_until: "),
            ("mt-priority", ("", "x", "1.5", ",MIXER", "1 ", "99999999999"), "^--mt-priority: must be"),
            ("mt-priority", ("10", "-10", "1,", "1,\r", "1,a b", "1,\udcff", "1,ü", "1,\x7f"), "^mt_priority: "),
            ("auth-param", ("c", "<c@example.test>", "c@", "\udcff@example.test", "\x7f@example.test", *crlf), "^auth: "),
            ("mail-param", ("", "=", "=x", "X=", "X=a b", "X=a=b", "a b", "X=\x7f", "X=ü", "X=\udcff", "SIZE=1", "size",
                            "BODY=7BIT", "RET=FULL", "X=\r", "X=\n", *crlf), "^parameter 1 of the message: "),
            ("rcpt-param", ("", "=", "=x", "X=", "X=a b", "X=\x7f", "X=\udcff", "NOTIFY=NEVER", "orcpt=x", "X=\r", *crlf),
             "^parameter 1 of to 1: "),
            ("max-recipients", ("", "x", "1.5", "1\n", "99999999999"), "^--max-recipients: "),
            ("max-recipients", ("-1", "1000000001"), "^max recipients: "),
            ("max-octets", ("", "x", "-1", "1k", "99999999999999999999"), "^--max-octets: must be"),
            ("chunking", ("", "x", "AUTO", "auto\n"), "^--chunking: must be one of auto, never, always"),
            ("body", ("", "binary", "8BITMIME"), "^--body: must be one of auto, 7bit, 8bitmime, binarymime"),
            ("socket", ("", "x" * 108), "^socket path: ")):
        for value in values:
            yield Case(f"--{option} {value[:30]!r}", {option: value}, "INVALID", text=text, people=False)
    yield Case("--hold-for with --hold-until", {"hold-for": "1", "hold-until": "2026-12-24T18:00:00Z"}, "INVALID",
               text="^hold_for: ")
    yield Case("--mail-param again and again", {"mail-param": ["X-A", "X-B=1"]}, people=False, connects=True, lands=None,
               want="OK|REJECTED", trace=r"> MAIL [^\n]* X-A X-B=1\n")
    yield Case("--rcpt-param for each recipient", {"rcpt-param": "X-C=2", "to": ["b@example.test", "c@example.test"]},
               want="OK|REJECTED", people=False, trace=r"(> RCPT TO:<[bc]@example.test> X-C=2\n){2}")
    listed = world.options_file("parameters", {"mail-param": ["X-A", "X-B=1"], "require-tls": False, "hold-for": 60})
    yield Case("parameters in a file", {"options-file": listed}, want="OK|REJECTED", people=False,
               sink=("with FUTURERELEASE=900 2030-01-01T00:00:00Z",),
               trace=r"> MAIL (?=[^\n]*HOLDFOR=60)[^\n]*X-A X-B=1")
    to = [f"r{i}@example.test" for i in range(3)]
    yield Case("as many recipients as may be", {"max-recipients": "3", "to": to})
    yield Case("more recipients than may be", {"max-recipients": "2", "to": to}, "POLICY", text="2", connects="maybe")
    yield Case("as many octets as may be", {"max-octets": str(len(MESSAGE))})
    yield Case("more octets than may be", {"max-octets": str(len(MESSAGE) - 1)}, "POLICY", connects="maybe")
    yield Case("all or none: all", {"all-or-none": True, "to": to})
    yield Case("all or none: none", {"all-or-none": True, "to": to}, "REJECTED",
               sink=("refuse-rcpt r1@*=550 5.1.1 No",), outcomes="NOT_SENT REJECTED NOT_SENT")
    for chunking, body in (("always", "BDAT"), ("never", "DATA")):
        yield Case(f"--chunking {chunking}", {"chunking": chunking}, ledger={"body": body})
    yield Case("--chunking auto", {"chunking": "auto"})
    yield Case("--chunking always is not offered", {"chunking": "always"}, "UNSUPPORTED", sink=("without CHUNKING",))
    binary = b"Subject: x\r\n\r\na\0b\nc\rd\xff"
    yield Case("binary content", {"body": "binarymime", "chunking": "auto"}, message=binary, arrives=binary,
               ledger={"body": "BDAT"})
    yield Case("binary content is not taken", {"body": "binarymime", "chunking": "auto"}, "UNSUPPORTED",
               sink=("without BINARYMIME",))
    yield Case("an address that needs SMTPUTF8", {"to": "ü@example.test"}, ledger={"to": [
        {"address": "ü@example.test", "params": []}]})
    yield Case("an address that needs SMTPUTF8 is not taken", {"to": "ü@example.test"}, "UNSUPPORTED",
               sink=("without SMTPUTF8",))


def lmtp_cases(world):
    lmtp, ca = world.path("lmtp.sock"), world.path("ca.pem")
    unix = dict.fromkeys(("host", "port", "tls"))
    to = ["b@example.test", "no@example.test", "later@example.test"]
    for name, options in (
            ("TCP", {"lmtp": True, "port": world.sink.lmtp}),
            ("a URL", unix | {"url": f"lmtp://127.0.0.1:{world.sink.lmtp}", "ca": ca}),
            ("a URL with TLS", unix | {"url": f"lmtps://localhost:{world.sink.lmtps}", "ca": ca}),
            ("a URL of a Unix socket", unix | {"url": "lmtp+unix:" + lmtp}),
            ("a percent-encoded path", unix | {"url": "LMTP+unix:" + lmtp.replace("lmtp.", "%6cmtp.")}),
            ("--socket", unix | {"socket": lmtp, "lmtp": True}),
            ("--socket with TLS", unix | {"socket": lmtp, "lmtp": True, "tls": "starttls", "ca": ca, "host": "localhost"})):
        yield Case("LMTP by " + name, options, ledger={"protocol": "LMTP"})
    yield Case("SMTP by --socket", unix | {"socket": world.path("smtp.sock")}, ledger={"protocol": "SMTP"})
    yield Case("LMTP: each recipient has its own reply", unix | {"socket": lmtp, "lmtp": True, "to": to}, "PARTIAL",
               sink=("final-rcpt no@*=550 5.2.1 Full", "final-rcpt later@*=450 4.2.0 Later"),
               outcomes="ACCEPTED REJECTED DEFERRED", shows="no@example.test: rejected: 550 5.2.1 Full")
    yield Case("LMTP: nobody's reply is good", unix | {"socket": lmtp, "lmtp": True, "to": to[1:]}, "DEFERRED",
               sink=("final-rcpt no@*=550 5.2.1 Full", "final-rcpt later@*=450 4.2.0 Later"),
               outcomes="REJECTED DEFERRED")
    yield Case("no socket is there", unix | {"socket": world.path("nowhere")}, "CONNECT", text="nowhere")
    yield Case("a socket that is a file", unix | {"socket": world.path("message")}, "CONNECT", text="message")


def input_cases(world):
    """What must be refused before there is a connection, from an argument and from a file of options."""
    login = {"user": "reports", "password-file": "password"}
    rule = "(CR or LF|octets that are not printable|neither PLAIN nor LOGIN)"
    for option, value, text in (
            ("from", "a{}b@example.test", "from: "), ("to", "a{}b@example.test", "to 1: "),
            ("ehlo", "a{}b.test", "EHLO name: "), ("envid", "a{}b", "envid: "),
            ("orcpt", "rfc822;a{}b@c.test", "orcpt of to 1: "),
            ("user", "a{}b", "user: "), ("host", "a{}b.test", "host: "), ("server-name", "a{}b.test", "server name: "),
            ("auth", "PL{}AIN", "authentication mechanism: ")):
        for name, octet in (("CR", "\r"), ("LF", "\n"), ("CR at the end", "\r"), ("LF at the end", "\n")):
            bad = value.format("") + octet if "end" in name else value.format(octet)
            yield Case(f"{name} in --{option}", login | {option: bad}, "INVALID", text=f"^{text}.*{rule}",
                       people="end" not in name)
            path = world.options_file(f"{option} {name}", {option: bad})
            yield Case(f"{name} in {option} of a file", login | {option: None, "options-file": path}, "INVALID",
                       text=f"^{text}.*{rule}", outcomes="NOT_SENT")
    too_long = "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 62
    for option, field in (("from", "from: "), ("to", "to 1: ")):
        for name, address, rule in (
                ("without domain", "a", "domain"), ("with an empty domain", "a@", "domain"),
                ("without local part", "@example.test", "local part"), ("of 255 octets", too_long, "254"),
                ("in angle brackets", "<a@example.test>", ""), ("with a space", "a b@example.test", ""),
                ("with a control octet", "a\x01@example.test", "control"),
                ("that is not UTF-8", "\udcff@example.test", "UTF-8")):
            yield Case(f"--{option} {name}", {option: address}, "INVALID", text=f"^{field}.*{rule}", people=True)
    yield Case("an empty recipient", {"to": ""}, "INVALID", text="^to 1: ")
    yield Case("one bad recipient refuses the message", {"to": ["b@example.test", "c", "d@example.test"]}, "INVALID",
               text="^to 2: ")
    yield Case("no recipient", {"to": None}, "INVALID", text="^to: ")
    yield Case("no sender", {"from": None}, "INVALID", text="^--from: is required")
    for option, value, text in (
            ("tls", "ssl", "^--tls: must be one of implicit, starttls, opportunistic, none"), ("tls", "", "^--tls: "),
            ("ret", "half", "^--ret: "), ("body", "8bit", "^--body: "), ("newlines", "x", "^--newlines: "),
            ("max-line", "x", "^--max-line: "), ("pipelining", "always", "^--pipelining: "),
            ("notify", "", "^--notify: "),
            ("notify", "success,", "^--notify: "), ("notify", "often", "^--notify: "),
            ("notify", "never,success", "^notify of to 1: .*NEVER"), ("envid", "", "^envid: "),
            ("envid", "x" * 101, "^envid: .*100"), ("envid", "ü", "^envid: "), ("orcpt", "", "^orcpt of to 1: "),
            ("orcpt", "a@example.test", "^orcpt of to 1: "),
            ("orcpt", "rfc822;" + "+" * 200, "^orcpt of to 1: .*500"), ("ehlo", "", "EHLO"), ("ehlo", "a b", "EHLO"),
            ("host", "", "host"), ("host", "a b", "host"), ("server-name", "", "server name"),
            ("user", "x" * 1025, "user.*1024")):
        yield Case(f"--{option} {value[:20]!r}", login | {option: value}, "INVALID", text=text)
    yield Case("ORCPT for two", {"orcpt": "rfc822;a@c.test", "to": ["b@example.test", "c@example.test"]}, "INVALID",
               text="^--orcpt: ")
    for option in ("timeout", "phase-timeout"):
        for seconds in ("", "x", "-1", "1s", "nan", "inf", "0x10", "86401", "1e9", " 1", "1 ", "1e", "1,5", "--1"):
            yield Case(f"--{option} {seconds!r}", {option: seconds}, "INVALID", text=f"^--{option}: must be a number")
    yield Case("--phase-timeout 0", {"phase-timeout": "0"}, "INVALID", text="phase_timeout")


def option_file_cases(world):
    sink, ca = world.sink, world.path("ca.pem")
    bare = dict.fromkeys(("host", "port", "tls", "from", "to"))
    told = {"host": "localhost", "port": int(sink.smtp), "tls": "starttls", "ca": ca, "user": "reports",
            "password-file": "password", "from": "a@example.test", "to": ["b@example.test", "c@example.test"],
            "timeout": 20.5, "phase-timeout": 10, "system-trust": False, "allow-plaintext-auth": True}
    number = 0

    def file(value):
        nonlocal number
        number += 1
        return world.write(f"options{number}", value if isinstance(value, bytes) else json.dumps(value).encode())

    yield Case("options in a file", bare | {"options-file": file(told)}, outcomes="ACCEPTED ACCEPTED",
               ledger={"user": "reports", "tls": True})
    yield Case("one recipient in a file", bare | {"options-file": file(told | {"to": "b@example.test"})},
               outcomes="ACCEPTED")
    yield Case("the command line overrides a file",
               {"options-file": file(told | {"tls": "bad", "user": ""}), "user": "reports", "tls": "opportunistic",
                "to": "d@example.test", "from": ""}, outcomes="ACCEPTED",
               ledger={"from": "", "tls": True, "user": "reports"})
    yield Case("probe takes a file", {"options-file": file({"ca": ca, "tls": "starttls"}), "tls": None},
               command="probe", result={"secure": True})
    for name, value, text in (
            ("a text for a flag", {"system-trust": "yes"}, "^--system-trust: must be true or false"),
            ("a number for a flag", {"system-trust": 1}, "^--system-trust: must be true or false"),
            ("true for a text", {"ehlo": True}, "^--ehlo: must be a string or a number"),
            ("null for a text", {"ehlo": None}, "^--ehlo: must be a string or a number"),
            ("an object for a text", {"ehlo": {}}, "^--ehlo: must be a string or a number"),
            ("a list for one that is none", {"ehlo": ["x"]}, "^--ehlo: must be a string or a number"),
            ("a list in a list", {"to": [["x@example.test"]]}, "^--to: must be a string"),
            ("a number out of range", {"port": 65536}, "^--port: must be a number from 1"),
            ("a fraction for a port", {"port": 2.5}, "^--port: must be a number from 1"),
            ("a negative time", {"timeout": -1}, "^--timeout: must be"),
            ("a bad choice", {"tls": "ssl"}, "^--tls: must be one of"),
            ("a list", [], "must hold one JSON object"),
            ("no JSON", b"host: x", "line 1"),
            ("nothing", b"", "line"),
            ("a secret in bad syntax", b'{"user":\n "' + PASSWORD.encode() + b'" "', "line 2"),
            ("a key twice", b'{"ehlo":"a","ehlo":"b"}', "duplicate"),
            ("octets that are not UTF-8", b'{"ehlo":"\xff"}', "line 1"),
            ("a NUL", b'{"ehlo":"a\\u0000b"}', "line 1"),
            ("two objects", b"{}{}", "line 1")):
        given = value if isinstance(value, dict) else {}
        yield Case(f"a file of options with {name}", dict.fromkeys(given) | {"options-file": file(value)}, "INVALID",
                   text=text, outcomes="" if "to" in given else "NOT_SENT")
    yield Case("a file of options that is missing", {"options-file": "nowhere"}, "INVALID",
               text="^--options-file: .*nowhere", outcomes="NOT_SENT")
    yield Case("a file of options that is a directory", {"options-file": "."}, "INVALID", text="^--options-file: ",
               outcomes="NOT_SENT")


def refusal_cases():
    to = ["b@example.test", "no@example.test", "later@example.test", "full@example.test", "c@example.test"]
    replies = ("refuse-rcpt no@*=550 5.1.1 No such user", "refuse-rcpt later@*=450 4.2.1 Try later",
               "refuse-rcpt full@*=552 5.2.2 Too many")
    yield Case("some are refused", {"to": to}, "PARTIAL", sink=replies,
               outcomes="ACCEPTED REJECTED DEFERRED DEFERRED ACCEPTED", result={"phase": "final", "code": 250},
               shows=r"\Apartial: 250 .*\(queue id \w+\)\nb@example.test: accepted: 250 .*\n"
                     r"no@example.test: rejected: 550 5.1.1 No such user\n"
                     r"later@example.test: deferred: 450 4.2.1 Try later\n")
    yield Case("some are refused, one by one", {"to": to, "pipelining": "never"}, "PARTIAL", sink=replies,
               outcomes="ACCEPTED REJECTED DEFERRED DEFERRED ACCEPTED",
               trace=r"> MAIL [^\n]*\n< 250 [^\n]*\n> RCPT [^\n]*\n< 250 [^\n]*\n> RCPT [^\n]*\n< 550 ")
    yield Case("all are refused, not all for good", {"to": to[1:4]}, "DEFERRED", sink=replies,
               outcomes="REJECTED DEFERRED DEFERRED", result={"phase": "rcpt", "code": 450, "enhanced": "4.2.1"})
    yield Case("all are refused for good", {"to": [to[1]] * 2}, "REJECTED", sink=replies,
               result={"phase": "rcpt", "code": 550, "enhanced": "5.1.1"},
               shows=r"\Arejected: 550 5.1.1 No such user\nno@example.test: rejected: 550 5.1.1 No such user\n")
    for code, want in ((450, "DEFERRED"), (550, "REJECTED")):
        for sink, phase in ((f"refuse-mail *={code}", "mail"), (f"data-reply {code}", "data"),
                            (f"final *={code}", "final"), (f"fault greeting={code}", "greeting"),
                            (f"fault rcpt={code}", "rcpt")):
            outcomes = "NOT_SENT" if phase == "greeting" else ""
            yield Case(f"{code} in phase {phase}", {}, want, sink=(sink + " No\t\x1b[31m\x7f.",), outcomes=outcomes,
                       result={"phase": phase, "code": code})
    for name, text in (("escapes", "\x1b]0;x\x07\x7f\\"), ("C1", "\u009b31m"), ("no UTF-8", "\udcff\udcc3"),
                       ("UTF-8", "grün")):
        yield Case(f"{name} in a final reply", sink=(f"final *=250 2.0.0 Ok queued as 1F {text}",),
                   result={"queue_id": "1F"})
        yield Case(f"{name} in a refusal", {}, "REJECTED", sink=(f"final *=550 5.0.0 No {text}",))
    yield Case("no enhanced status codes", {}, "REJECTED", sink=("without ENHANCEDSTATUSCODES", "final *=550 5.1.1 No"),
               result={"enhanced": ""})
    yield Case("no EHLO", sink=("without EHLO",))


# The status for a fault at each place, and the phase that it is told of in. Content is large, so that its end
# certainly has not left when the fault comes. A reset may be there before the connection is seen to be made.
FAULTS = """
place      phase     close     reset       stall     garbage   421
connect    greeting  IO        IO|CONNECT  TIMEOUT   PROTOCOL  DEFERRED
greeting   greeting  IO        IO|CONNECT  TIMEOUT   PROTOCOL  DEFERRED
ehlo       ehlo      IO        IO          TIMEOUT   PROTOCOL  DEFERRED
starttls   tls       IO        IO          TIMEOUT   PROTOCOL  DEFERRED
handshake  tls       TLS       TLS         TIMEOUT   TLS       TLS
auth       auth      IO        IO          TIMEOUT   PROTOCOL  DEFERRED
mail       mail      IO        IO          TIMEOUT   PROTOCOL  DEFERRED
rcpt       rcpt      IO        IO          TIMEOUT   PROTOCOL  DEFERRED
data       data      IO        IO          TIMEOUT   PROTOCOL  DEFERRED
body       body      IO        IO          TIMEOUT   PROTOCOL  DEFERRED
final      final     UNKNOWN   UNKNOWN     UNKNOWN   UNKNOWN   UNKNOWN
accepted   final     UNKNOWN   UNKNOWN     UNKNOWN   UNKNOWN   UNKNOWN
quit       final     OK        OK          OK        OK        OK
"""


def fault_cases(world):
    head, *rows = (line.split() for line in FAULTS.strip().splitlines())
    login = {"tls": "starttls", "ca": world.path("ca.pem"), "user": "reports", "password-file": "password"}
    large = world.write("large", b"0123456789abcdef0123456789abcdef\r\n" * 500000)
    for place, phase, *wants in rows:
        for fault, want in zip(head[2:], wants):
            options = login if place in ("starttls", "handshake", "auth") else {}
            if fault == "stall":
                options = options | {"phase-timeout": "0.5"}
            yield Case(f"{fault} at {place}", options, want, sink=(f"fault {place}={fault}",),
                       result={} if "|" in want else {"phase": phase}, file=large if place == "body" else "message",
                       outcomes={"UNKNOWN": "UNKNOWN", "OK": "ACCEPTED"}.get(want, "NOT_SENT"),
                       lands=place == "accepted", connects=True, people=fault != "stall")
    yield Case("the time is up", {"timeout": "0.5"}, "TIMEOUT", sink=("fault mail=stall",), people=False)
    yield Case("a server that drips", {"timeout": "0.5"}, "TIMEOUT", sink=("fault greeting=drip",), people=False)
    yield Case("no time", {"timeout": "0"}, "TIMEOUT", connects="maybe")
    yield Case("time enough", {"timeout": "86400", "phase-timeout": "1e2", "pipelining": "auto"})
    yield Case("a fraction", {"timeout": "30.25", "phase-timeout": "20."})


def probe_cases(world):
    smtp, smtps, ca = world.sink.smtp, world.sink.smtps, world.path("ca.pem")
    login = {"tls": "starttls", "ca": ca, "user": "reports", "password-file": "password"}
    offered = ["sink.example.test", "PIPELINING", "SIZE 1000", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING", "BINARYMIME",
               "ENHANCEDSTATUSCODES"]
    server = {"host": "127.0.0.1", "port": int(smtp), "socket": "", "protocol": "SMTP", "limits": {}}
    unix = {"host": None, "port": None, "tls": None}
    for name, options, more in (
            ("in the clear", {}, {"result": server | {"secure": False, "tls": [], "authenticated": False,
                                                      "max_size": 1000, "capabilities": offered + ["STARTTLS"]},
                                  "shows": rf"\Aserver: 127.0.0.1 port {smtp}\n.*secure: no\nlogged in: no\n"}),
            ("with login", login, {"result": server | {"secure": True, "authenticated": True,
                                                       "capabilities": offered + ["AUTH PLAIN LOGIN"]},
                                   "shows": r"extensions:\n  PIPELINING\n.*largest message: 1000 octets\n"
                                            r"login offered: PLAIN LOGIN\nsecure: yes\n  TLS1.*logged in: yes\n"
                                            r"time in ms:\n  resolve .*  connect .*  tls .*  auth +\d+\.\d{3}\n\Z"}),
            ("by URL", {"url": f"smtps://reports@localhost:{smtps}", "host": None, "port": None, "tls": None, "ca": ca,
                        "password-file": "-"},
             {"stdin": PASSWORD.encode(), "result": {"host": "localhost", "port": int(smtps), "authenticated": True}}),
            ("with everything", login | {"server-name": "localhost", "ca-directory": "cas", "system-trust": True,
                                         "ehlo": "c.test", "auth": "LOGIN", "allow-plaintext-auth": True,
                                         "timeout": "30", "phase-timeout": "20", "pipelining": "never"},
             {"trace": "> EHLO c.test\n"})):
        yield Case("probe " + name, options, command="probe", sink=("max-size 1000",), **more)
    for name, options, result, shows in (
            ("LMTP", {"lmtp": True, "port": world.sink.lmtp}, {"port": int(world.sink.lmtp), "socket": ""},
             rf"\Aserver: 127.0.0.1 port {world.sink.lmtp}\nprotocol: LMTP\n"),
            ("LMTP by URL", unix | {"url": f"lmtps://localhost:{world.sink.lmtps}", "ca": ca}, {"secure": True}, ""),
            ("a Unix socket", unix | {"socket": world.path("lmtp.sock"), "lmtp": True},
             {"socket": world.path("lmtp.sock")}, rf"\Aserver: {world.path('lmtp.sock')}\nprotocol: LMTP\n"),
            ("a Unix socket by URL", unix | {"url": "lmtp+unix:" + world.path("lmtp.sock")},
             {"socket": world.path("lmtp.sock")}, "")):
        yield Case(f"probe {name}", options | {"chunking": "auto"}, command="probe", people=True,
                   sink=("limits MAILMAX=9 RCPTMAX=8", "with DELIVERBY=30"), shows=shows,
                   result=result | {"protocol": "LMTP", "limits": {"MAILMAX": 9, "RCPTMAX": 8, "DELIVERBY": 30}})
    yield Case("probe shows limits", command="probe", sink=("limits MAILMAX=9 RCPTMAX=8",),
               result={"protocol": "SMTP", "limits": {"MAILMAX": 9, "RCPTMAX": 8}},
               shows=r"limit: 9 messages in a session\nlimit: 8 recipients of a message\n")
    closed = str(world.closed.getsockname()[1])
    for name, options, want, more in (
            ("nobody listens", {"port": closed}, "CONNECT", {"result": {"port": int(closed), "phase": "connect"}}),
            ("an unknown host", {"host": "no-such-host.invalid"}, "HOST_UNKNOWN", {}),
            ("a wrong password", login | {"password-file": "wrong"}, "AUTH",
             {"result": {"code": 535, "secure": True, "authenticated": False},
              "shows": "login offered: PLAIN LOGIN\n"}),
            ("nobody trusts it", login | {"ca": None}, "TLS", {"result": {"secure": False, "capabilities": []}}),
            ("a refusal", {}, "REJECTED", {"sink": ("fault greeting=554 5.0.0 No\x1b",), "result": {"code": 554}}),
            ("421", {}, "DEFERRED", {"sink": ("fault ehlo=421",), "result": {"code": 421}}),
            ("garbage", {}, "PROTOCOL", {"sink": ("fault greeting=garbage",)}),
            ("close", {}, "IO", {"sink": ("fault ehlo=close",)}),
            ("stall", {"timeout": "0.5"}, "TIMEOUT", {"sink": ("fault ehlo=stall",), "people": False}),
            ("control characters in EHLO", {}, "OK", {"sink": ("ehlo-line X-\x1b[1m\x7f",)}),
            ("a bad port", {"port": "x"}, "INVALID", {"result": {"host": "127.0.0.1"}}),
            ("no host", {"host": None}, "INVALID", {"result": {"host": ""}}),
            ("no file of options", {"options-file": "nowhere"}, "INVALID", {"result": {"host": ""}}),
            ("a CR in a host", {"host": "a\rb"}, "INVALID", {})):
        yield Case("probe: " + name, options, want, "probe", **more)
    for tls, scheme, port in (("implicit", "smtps", 465), ("starttls", "smtp", 587), ("none", "", 25),
                              ("opportunistic", "", 587)):
        yield Case(f"the default port of {tls}", {"port": None, "tls": tls, "phase-timeout": "0"}, "INVALID", "probe",
                   result={"port": port})
        if scheme:
            yield Case(f"the default port of {scheme}", {"port": None, "tls": None, "host": None, "phase-timeout": "0",
                                                         "url": f"{scheme}://h.test"}, "INVALID", "probe",
                       result={"port": port, "host": "h.test"})
    yield Case("the default port follows --tls, not the URL",
               {"port": None, "tls": "none", "url": "smtps://h.test", "phase-timeout": "0"}, "INVALID", "probe",
               result={"port": 25})


# ---- What is not one run with one result ----

def usage(world):
    """64, nothing on standard output, and a hint."""
    unknown = world.options_file("unknown", {"host": "h", "hosts": "h"})
    itself = world.options_file("itself", {"options-file": "x"})
    for words in ([], ["deliver"], ["--json"], ["send"], ["send", "--json"], ["send", "a", "b"],
                  ["send", "--nothing", "a"], ["send", "a", "--to"], ["send", "--json=1", "a"], ["probe", "a"],
                  ["probe", "--to", "b@example.test"], ["send", "--options-file", unknown, "a"],
                  ["probe", "--json", "--options-file", itself]):
        done = world.call([world.postel, *words])
        got = (done.returncode, done.stdout, b"--help" in done.stderr or not words and b"Usage: " in done.stderr)
        yield from differ(f"usage of {words}", (64, b"", True), got)
        yield from check_output(done)


def help_and_manual(world):
    """--help, the man page and these tests know the same options, exit statuses, and members of objects."""
    with open(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools", "postel.1"),
              encoding="utf-8") as file:
        manual = file.read().replace("\\-", "-")
    documented = set(re.findall(r"^\.It Fl -([\w-]+)", manual, re.M))
    told = {}
    for command in ("send", "probe"):
        text = world.call([world.postel, command, "--help"]).stdout.decode()
        told[command] = set(re.findall(r"^ +--([\w-]+)", text, re.M)) - {"usage"}
        yield from differ(f"options of {command} in these tests", told[command], world.used[command])
        yield from differ(f"exit statuses of {command}", exits(manual), statuses(text))
    text = world.call([world.postel, "batch", "--help"]).stdout.decode()
    told["batch"] = set(re.findall(r"^ +--([\w-]+)", text, re.M)) - {"usage"}
    yield from differ("options of batch", told["send"] | {"pool", "ordered"}, told["batch"])
    yield from differ("exit statuses of batch", exits(manual) | {0, 1, 2}, statuses(text))
    yield from differ("options in the man page", told["send"] | told["probe"] | told["batch"], documented)
    for_send = manual.split(".Ss What to send")[1].split(".Ss ")[0]
    yield from differ("options of send alone in the man page", told["send"] - told["probe"],
                      set(re.findall(r"^\.It Fl -([\w-]+)", for_send, re.M)))
    text = world.call([world.postel, "--help"])
    yield from differ("postel --help", (0, b""), (text.returncode, text.stderr))
    yield from differ("exit statuses", exits(manual), statuses(text.stdout.decode()))
    for name in [*EXIT, *FORM["send"], *FORM["probe"], *FORM["recipient"], *STEPS, *PHASES, "MEMORY",
                 "POSTEL_PASSWORD"]:
        yield from unlike("the man page", rf"\b{name}\b", manual)
    for words in (["--version"], ["send", "--version"], ["probe", "-V"]):
        done = world.call([world.postel, *words])
        yield from unlike("version", r"\Apostel \d+\.\d+\.\d+\n\Z", done.stdout.decode())
        yield from differ("version", (0, b""), (done.returncode, done.stderr))


def exits(manual):
    return {int(number) for number in re.findall(r"^\.It (\d+)$", manual.split(".Sh EXIT STATUS")[1], re.M)}


def statuses(text):
    return {int(number) for number in re.findall(r"\b\d+\b", text.split("Exit status:")[1])}


def dialogue(world):
    """The whole of a trace."""
    case = Case("", {"tls": "starttls", "ca": "ca.pem", "user": "reports", "password-file": "password",
                     "ehlo": "c.test", "envid": "x", "chunking": "never"})
    done = world.call([*world.words(case), "--trace"])
    world.sink.arrived()
    offered = "< 250-sink.example.test\n" + "".join(
        f"< 250-{word}\n" for word in "PIPELINING SIZE 8BITMIME DSN SMTPUTF8 CHUNKING BINARYMIME ENHANCEDSTATUSCODES".split())
    want = (f"* connected to 127.0.0.1 port {world.sink.smtp}\n< 220 sink.example.test ESMTP postel-sink\n"
            f"> EHLO c.test\n{offered}< 250 STARTTLS\n> STARTTLS\n< 220 2.0.0 Ready to start TLS\n* TLS\n"
            "> EHLO c.test\n"
            f"{offered}< 250 AUTH PLAIN LOGIN\n> AUTH PLAIN ***\n< 235 2.7.0 Authentication succeeded\n"
            f"> MAIL FROM:<a@example.test> SIZE={len(MESSAGE)} ENVID=x\n> RCPT TO:<b@example.test>\n> DATA\n"
            "< 250 2.1.0 Sender OK\n< 250 2.1.5 Recipient OK\n< 354 End with <CRLF>.<CRLF>\n"
            f"* {len(MESSAGE) + 5} octets of content\n< 250 2.0.0 OK queued as N\n> QUIT\n< 221 2.0.0 Bye\n")
    got = re.sub(r"\* TLS1.*", "* TLS", re.sub("queued as .*", "queued as N", done.stderr.decode()))
    yield from differ("trace", want, got)


def deaf_readers(world):
    """Whoever does not listen to the command: the mail arrives, once and whole, and the exit status is its own."""
    full = os.open("/dev/full", os.O_WRONLY)
    gone = os.pipe()
    os.close(gone[0])
    for name, redirection, outputs in (
            ("stdout gone", "", {"stdout": gone[1]}), ("stderr gone", "", {"stderr": gone[1]}),
            ("both gone", "", {"stdout": gone[1], "stderr": gone[1]}), ("stdout full", "", {"stdout": full}),
            ("stdin closed", "<&-", {}), ("stdout closed", ">&-", {}), ("stderr closed", "2>&-", {}),
            ("stdin and stdout closed", "<&- >&-", {}), ("stdin and stderr closed", "<&- 2>&-", {}),
            ("stdout and stderr closed", ">&- 2>&-", {}), ("all closed", "<&- >&- 2>&-", {})):
        for mode in (["--trace"], ["--trace", "--json"]):
            words = ["sh", "-c", f'exec "$@" {redirection}', "sh", *world.words(Case("")), *mode]
            world.sink.ask("reset-stats")
            done = subprocess.run(words, **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | outputs),
                                  stdin=subprocess.DEVNULL, cwd=world.directory, env=world.environment({}),
                                  timeout=TIMEOUT_S, check=False)
            sizes = [entry["size"] for entry in world.sink.arrived()]
            commands = world.sink.stats()["commands"]
            yield from differ(f"{name}: exit status, sizes", (0, [len(MESSAGE)]), (done.returncode, sizes))
            # Not one line of ours may have gone to the server.
            yield from differ(f"{name}: unknown commands", 0, commands["unknown"])
            if "stdout" in name and not redirection.endswith("2>&-") and done.stderr is not None:
                yield from unlike(f"{name}: standard error", "postel: IO: standard output could not be written\n",
                                  done.stderr.decode())
    os.close(full)
    os.close(gone[1])


# What the fault holds up; the line of the trace after which the command waits; what it must then say.
INTERRUPTS = (
    ("connect=stall", r"\* connected", "INTERRUPTED", "NOT_SENT", {"tls": "implicit", "ca": "ca.pem"}),
    ("greeting=stall", r"\* connected", "INTERRUPTED", "NOT_SENT", {}),
    ("mail=stall", "> DATA", "INTERRUPTED", "NOT_SENT", {}),
    ("data=stall", "> DATA", "INTERRUPTED", "NOT_SENT", {}),
    ("final=stall", r"\* \d+ octets", "UNKNOWN", "UNKNOWN", {}),
    ("accepted=stall", r"\* \d+ octets", "UNKNOWN", "UNKNOWN", {}),
    ("quit=stall", "> QUIT", "OK", "ACCEPTED", {}),
)


@contextlib.contextmanager
def started(world, options, *more, **arguments):
    words = world.words(Case("", options)) + [*more]
    with subprocess.Popen(words, **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | arguments),
                          cwd=world.directory, env=world.environment({})) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process, pattern):
    """Lines of the trace up to the one that matches, which must come."""
    lines = []
    while not lines or not re.match(pattern, lines[-1]):
        lines.append(process.stderr.readline().decode())
        if not lines[-1]:
            raise EOFError(f"no {pattern} in {lines}")
    return lines


def written(trace):
    """The octets that a trace without TLS and AUTH tells of."""
    content = [int(line.split()[1]) for line in trace if re.match(r"\* \d+ octets", line)]
    return sum(len(line) - 1 for line in trace if line.startswith("> ")) + sum(content)


def interrupts(world):
    """SIGINT and SIGTERM end a stalled call at once, and the account is true."""
    for fault, mark, status, outcome, options in INTERRUPTS:
        for number in (signal.SIGINT, signal.SIGTERM):
            if options:
                options = options | {"port": world.sink.smtps}
            world.sink.ask("reset-stats")
            with world.sink.settings([f"fault {fault}"]), started(world, options, "--json", "--trace") as process:
                trace = read_until(process, mark)
                # What the sink has not read when the fault is taken away, it would accept.
                while status == "UNKNOWN" and world.sink.stats()["bytes_in"] < written(trace):
                    pass
                while fault == "accepted=stall" and not world.sink.stats()["messages"]:
                    pass
                process.send_signal(number)
                out, err = process.communicate(timeout=TIMEOUT_S)
            result = one_line(out) or {"recipients": []}
            yield from differ(f"{number.name} at {fault}", (EXIT[status], status, [outcome]),
                              (process.returncode, result.get("status"), [r["outcome"] for r in result["recipients"]]))
            if result.get("ms", TIMEOUT_S * 1000) > 5000 and status != "OK":
                yield f"{number.name} at {fault}: took {result.get('ms')} ms"
            yield from differ(f"{number.name} at {fault}: arrived", int(fault in ("accepted=stall", "quit=stall")),
                              len(world.sink.arrived()))
            yield from check_output(subprocess.CompletedProcess([], 0, out, err))


def second_interrupt(world):
    """With the first, the report is due; when nobody takes it, the second ends the process."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(65536))
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\0")
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    with world.sink.settings(["fault mail=stall"]), started(world, {}, "--trace", stdout=writer) as process:
        read_until(process, "> DATA")
        process.send_signal(signal.SIGINT)
        while is_pending(process, signal.SIGINT):   # two that are pending would be one
            pass
        process.send_signal(signal.SIGINT)
        yield from differ("exit status", -signal.SIGINT, process.wait(TIMEOUT_S))
    os.close(reader)
    os.close(writer)
    world.sink.arrived()


def is_pending(process, number):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        pending = [int(mask, 16) for mask in re.findall(r"^(?:Shd|Sig)Pnd:\s*(\w+)", file.read(), re.M)]
    return any(mask >> number - 1 & 1 for mask in pending)


def ignored_interrupt(world):
    """Started with SIGINT ignored, as a script's background job is, the command ignores it."""
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with world.sink.settings(["reply-delay-ms 100"]), \
            started(world, {}, "--json", "--trace", preexec_fn=ignore) as process:
        read_until(process, "> MAIL")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=TIMEOUT_S)
    yield from differ("status", (0, "OK"), (process.returncode, (one_line(out) or {}).get("status")))
    yield from differ("arrived", 1, len(world.sink.arrived()))


def closed_input(world):
    """A message from a standard input that is closed is refused before there is a connection."""
    world.sink.ask("reset-stats")
    done = world.call(["sh", "-c", 'exec "$@" <&-', "sh", *world.words(Case("", file="-")), "--json"])
    yield from differ("status", (74, "IO"), (done.returncode, (one_line(done.stdout) or {}).get("status")))
    yield from differ("connections", 0, world.sink.stats()["connections"])


def tests(world):
    """Pairs of a name and a function that returns what was wrong, line by line."""
    for cases in (where_cases(world), who_cases(world), what_cases(world), parameter_cases(world),
                  lmtp_cases(world), input_cases(world), option_file_cases(world), refusal_cases(), fault_cases(world), probe_cases(world)):
        for case in cases:
            options = world.base(case.command) | case.options
            world.used[case.command] |= {name for name, value in options.items() if value is not None}
            yield case.name, lambda case=case: run_case(world, case)
    for function in (usage, dialogue, deaf_readers, closed_input, interrupts, second_interrupt, ignored_interrupt,
                     help_and_manual):
        yield function.__name__.replace("_", " "), lambda function=function: list(function(world))


def main(postel, sink, pattern=""):
    passed = failed = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # which clears up
    directory = tempfile.mkdtemp(prefix="postel-command-")
    world = None
    try:
        world = World(postel, sink, directory)
        for name, run in tests(world):
            if not re.search(pattern, name):
                continue
            try:
                wrong = run()
            except (EOFError, OSError, subprocess.TimeoutExpired) as fault:
                wrong = [repr(fault)]
            if wrong:
                print(f"FAILED {name}", *wrong, sep="\n    ", flush=True)
            failed += bool(wrong)
            passed += not wrong
    finally:
        if world:
            world.sink.close()
            world.closed.close()
        shutil.rmtree(directory)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
