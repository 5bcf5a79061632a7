# SPDX-License-Identifier: MIT
"""One case against running servers: calls the command, collects what arrived and what the logs say, and compares.

Imported by ./run; knows no case.  The mailboxes are emptied after each case, so whatever is in them is the case's.
"""
import base64
import dataclasses
import glob
import json
import os
import re
import subprocess
import time

# How each door is reached; the ports and files of its server are in servers.json.
STARTTLS = {"--tls": "starttls"}
IMPLICIT = {"--tls": "implicit"}
OPEN = {"--tls": "none", "--user": None, "--password-file": None}
LMTP = {**OPEN, "--lmtp": True}
FULL_NAME = {"--user": "alice@example.test"}
DOORS = {
    "postfix starttls": STARTTLS, "postfix submissions": IMPLICIT, "postfix login": STARTTLS,
    "postfix clear": {"--tls": "none"}, "postfix few": OPEN,
    "dovecot starttls": STARTTLS, "dovecot submissions": IMPLICIT, "dovecot lmtp": LMTP,
    "dovecot unix": {**LMTP, "--host": None, "--socket": "{dovecot[socket]}"},
    "aiosmtpd starttls": STARTTLS, "aiosmtpd submissions": IMPLICIT, "aiosmtpd lmtp": LMTP,
    "gosmtp starttls": STARTTLS, "gosmtp submissions": IMPLICIT, "gosmtp few": OPEN, "gosmtp lmtp": LMTP,
    "exim starttls": STARTTLS, "exim submissions": IMPLICIT, "exim clear": OPEN,
    "opensmtpd clear": OPEN,
    "sendmail starttls": STARTTLS, "sendmail submissions": IMPLICIT, "sendmail clear": OPEN,
    "cyrus lmtp": LMTP, "cyrus login": {**STARTTLS, "--lmtp": True, "--user": "postman"},
    "chasquid starttls": {**STARTTLS, **FULL_NAME}, "chasquid submissions": {**IMPLICIT, **FULL_NAME},
}
# Where each server keeps its mail, in files, and what tells the recipient.
MAILBOXES = {"postfix": "*", "exim": "*", "opensmtpd": "*", "sendmail": "*", "chasquid": "*", "dovecot": "*/new/*",
             "cyrus": "**/[0-9]*.", "recorder": "*.eml", "aiosmtpd": "*.eml", "gosmtp": "*.eml"}
RELAYING = ("postfix", "dovecot", "exim", "opensmtpd", "sendmail")      # relay.example.test, to the recorder
RESULT_KEYS = {"id", "status", "phase", "code", "enhanced", "text", "queue_id", "recipients", "attempts", "ms"}
ANSWERED = ("OK", "PARTIAL", "REJECTED", "DEFERRED")     # by the server: then each recipient's outcome is known
RECIPIENT_KEYS = {"address", "outcome", "phase", "code", "enhanced", "text"}
TRACE_HEADER = re.compile(rb"((Return-Path|X-Original-To|Delivered-To|Envelope-To|Received|X-Cyrus-Session-Id|X-Sieve)"
                          rb":.*\n([ \t].*\n)*)*", re.I)
JOB_KEYS = {"id", "status", "recipients"}


@dataclasses.dataclass
class Case:
    name: str
    door: str
    content: bytes = b"From: <a@example.test>\r\nSubject: interop\r\n\r\nhello\r\n"
    to: tuple = ("alice@example.test",)
    command: str = "send"
    options: dict = dataclasses.field(default_factory=dict)  # over those of the door; None takes one away
    stdin: bool = False         # the message comes through a pipe instead of from a file
    want: dict = dataclasses.field(default_factory=lambda: {"status": "OK", "exit": 0})
    outcomes: tuple = ()        # of each recipient: outcome, code, enhanced; () for all accepted
    envelope: dict = dataclasses.field(default_factory=dict)    # MAIL parameters, as the last server saw them
    recipient: dict = dataclasses.field(default_factory=dict)   # RCPT parameters, the same
    capabilities: tuple = ()    # some of what probe must show
    logged: str = ""            # what the server's log must match
    unseen: tuple = ()          # commands that must not have reached the server
    queue_id: bool = False      # is to be Postfix's own
    batch: tuple = ()           # of Job, for the command batch
    addresses: dict = dataclasses.field(default_factory=dict)   # as the server sees them, where that differs


@dataclasses.dataclass
class Job:
    """One line of a batch, and what must become of it."""
    id: str
    to: tuple
    content: bytes
    options: dict = dataclasses.field(default_factory=dict)
    status: str = "OK"
    arrives: tuple = None       # at whom; None for all of them when the status is OK, else for nobody

    def line(self):
        fields = {"id": self.id, "from": "batch@example.test", "to": self.to, **self.options,
                  "message_base64": base64.b64encode(self.content).decode()}
        return json.dumps(fields) + "\n"

    def recipients(self):
        return self.arrives if self.arrives is not None else self.to if self.status == "OK" else ()


@dataclasses.dataclass
class Mail:
    place: str
    recipient: str
    content: bytes
    envelope: dict = None       # the parameters, where the place knows them
    parameters: dict = None


def poll(function, seconds=5):
    """What function returns once that is true, or at the end of the time."""
    end = time.monotonic() + seconds
    while not (value := function()) and time.monotonic() < end:
        time.sleep(0.01)
    return value


def normalised(content):
    """What must arrive: every newline is CRLF, the last line too; nothing else is changed."""
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    return content if not content or content.endswith(b"\r\n") else content + b"\r\n"


def decoded(parameters):
    """MAIL or RCPT parameters out of xtext (RFC 3461 section 4), lists in order."""
    text = {key.upper(): re.sub(r"\+([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), value)
            for key, value in parameters.items()}
    if "NOTIFY" in text:
        text["NOTIFY"] = ",".join(sorted(text["NOTIFY"].upper().split(",")))
    return text


class Servers:
    def __init__(self, directory):
        with open(os.path.join(directory, "servers.json")) as file:
            self.info = json.load(file)
        with open(self.info["password_file"]) as file:
            self.password = file.read().rstrip("\n")

    def options(self, door):
        server, name = door.split()
        options = {"--host": "127.0.0.1", "--server-name": "localhost", "--ca": self.info["ca"],
                   "--user": self.info["user"], "--password-file": self.info["password_file"], "--timeout": "30"}
        if name in self.info[server]:
            options["--port"] = str(self.info[server][name])
        return options | DOORS[door]

    def settled(self):
        """Whether nothing is on its way.  Postfix's queues in the order of a message's way, so that none slips by."""
        queues = [os.path.join(self.info["postfix"]["queue"], name) for name in ("incoming", "active", "deferred")]
        queues += [self.info[name]["queue"] for name in ("exim", "opensmtpd", "sendmail", "chasquid")]
        return not any(files for queue in queues for _, _, files in os.walk(queue))

    def collect(self):
        """Takes all mail out of the mailboxes."""
        if not poll(self.settled, 20):
            raise RuntimeError("a server has undelivered mail")
        mails = []
        for place, pattern in MAILBOXES.items():
            for name in glob.glob(os.path.join(self.info[place]["mail"], pattern), recursive=True):
                mails += self.stored(place, name)
        return mails

    def stored(self, place, name):
        """The mails in one file, which is removed: one for each recipient."""
        trace, content = self.take(name)
        content = re.sub(rb"\r?\n", b"\r\n", content)
        if name.endswith(".eml"):
            with open(name[:-4] + ".json", encoding="utf-8") as file:
                envelope = json.load(file)
            return [Mail(place, r["address"], content, decoded(envelope["params"]), decoded(r["params"]))
                    for r in envelope["recipients"]]
        return [Mail(place, self.recipient(place, name, trace), content)]

    @staticmethod
    def recipient(place, name, trace):
        if place == "dovecot":
            return name.split("/")[-3] + "@example.test"
        if place == "cyrus":
            with open(os.path.join(os.path.dirname(name), "cyrus.header"), "rb") as file:
                return re.search(rb" N user\.(\S+) ", file.read())[1].decode() + "@example.test"
        return re.search(rb"^(?:Delivered|Envelope)-To: (.*)", trace, re.M | re.I)[1].decode()

    @staticmethod
    def take(name):
        """The trace header that servers put in front, and the content behind it; the file is removed."""
        with open(name, "rb") as file:
            content = file.read()
        os.unlink(name)
        end = TRACE_HEADER.match(content).end()
        return content[:end], content[end:]


class Logs:
    """What a door's server has logged since this object was made."""

    def __init__(self, servers, door):
        self.server, self.door = door.split()
        self.paths = {name: info["log"] for name, info in servers.info.items() if "log" in info}
        self.marks = {name: os.path.getsize(path) for name, path in self.paths.items()}
        self.commands = servers.info["dovecot"]["commands"] + "/*.in"
        self.old = set(glob.glob(self.commands))

    def text(self, server=None):
        server = server or self.server
        with open(self.paths[server], errors="replace") as file:
            file.seek(self.marks[server])
            return file.read()

    def session(self):
        """The session's commands in lower case, with other words so as never to be empty; false until it has ended."""
        if "lmtp" in self.door or "unix" in self.door:
            return {"connect"}
        return getattr(self, self.server, lambda: {"connect"})()

    def postfix(self):
        counts = re.search(rf" {self.door}/smtpd\[\d+\]: disconnect from \S+ (.*)", self.text())
        return counts and {word.split("=")[0] for word in counts[1].split()}

    def dovecot(self):
        """What comes after a login is in a file of its own."""
        text = self.text()
        if "submission-login: Info: Disconnected" in text:
            return {"connect"} if "no auth attempts" in text else {"auth"}
        if "Info: Disconnected" not in text:
            return None
        verbs = {"auth"}
        for name in set(glob.glob(self.commands)) - self.old:
            with open(name, errors="replace") as file:
                verbs |= {verb.lower() for verb in re.findall(r"^\d+\.\d+ (\w+)", file.read(), re.M)}
        return verbs

    def gosmtp(self):
        """Commands are logged before they are answered, so what is there by now is all."""
        return {"connect"} | set(re.findall(r" (auth|mail)$", self.text(), re.M))

    def sendmail(self):
        """Its log is the whole dialogue, and each line is there before the answer."""
        return {"connect"} | {verb.lower() for verb in re.findall(r"<<< (\w+)", self.text())}

    def aiosmtpd(self):
        """A client that fails in the handshake of implicit TLS gets no further than "Available AUTH mechanisms"."""
        text = self.text()
        if "Available AUTH" in text and "Peer:" not in text:
            return {"connect"}
        verbs = {verb.lower() for verb in re.findall(r">> b'(\w+)", text)}
        return "connection lost" in text and {"connect"} | verbs


class Runner:
    def __init__(self, postel, servers, directory):
        self.postel, self.servers, self.directory = postel, servers, directory
        self.number = 0

    def arguments(self, case):
        options = self.servers.options(case.door)
        if case.command == "send":
            options |= {"--from": f"case{self.number}@example.test", "--to": case.to}
        for key, value in case.options.items():
            options[key] = value
        words = [self.postel, case.command]
        for key, value in options.items():
            if value is True:
                words.append(key)
            elif value is not None:
                for each in [value] if isinstance(value, str) else value:
                    words += [key, each.format_map(self.known(case))]
        return words + (["--json"] if case.command != "batch" else [])

    def known(self, case):
        """What an option's value may name in braces."""
        server, door = case.door.split()
        return {**self.servers.info, "port": self.servers.info[server].get(door)}

    def call(self, case):
        words, given = self.arguments(case), case.content if case.stdin else b""
        if case.command == "batch":
            given = "".join(job.line() for job in case.batch).encode()
        elif case.command == "send" and case.stdin:
            words.append("-")
        elif case.command == "send":
            words.append(os.path.join(self.directory, "message"))
            with open(words[-1], "wb") as file:
                file.write(case.content)
        try:
            return subprocess.run(words, input=given, capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            return None

    def run(self, case):
        """Returns what was wrong, line by line."""
        self.number += 1
        logs = Logs(self.servers, case.door)
        done = self.call(case)
        seen = poll(logs.session)
        mails = self.servers.collect()
        if done is None:
            return ["does not end"]
        wrong = list(check_secrets(self.servers, done))
        if case.command == "batch":
            wrong += check_batch(case, done, mails)
            return wrong + ([f"stderr: {tail(done.stderr)}"] if wrong else [])
        try:
            result = json.loads(done.stdout)
        except ValueError:
            return wrong + [f"no JSON: exit {done.returncode}, {done.stdout[:500]}, stderr: {tail(done.stderr)}"]
        if case.command == "probe":
            wrong += check_probe(case, done, result)
        else:
            wrong += check_result(case, done, result)
            wrong += check_mails(case, mails)
        wrong += check_logs(case, result, logs, seen)
        if wrong and done.stderr:
            wrong.append(f"stderr: {tail(done.stderr)}")
        return wrong


def tail(output):
    return output[-1000:].decode(errors="replace").rstrip()


def differ(what, want, got):
    if want != got:
        yield f"{what}: want {want!r}, got {got!r}"


def check_secrets(servers, done):
    """The password, plain or as AUTH PLAIN and AUTH LOGIN write it, is in no output."""
    for secret in (servers.password, "wrong " + servers.password):
        for form in (secret, f"\0{servers.info['user']}\0{secret}"):
            for octets in (form.encode(), base64.b64encode(form.encode())):
                if octets in done.stdout + done.stderr:
                    yield f"the output has the secret {octets}: {done.stdout + done.stderr}"


def check_probe(case, done, result):
    got = [line.upper() for line in result.get("capabilities", [])]
    yield from differ("exit", 0, done.returncode)
    yield from differ("capabilities missing", [], [line for line in case.capabilities if line not in got])


def check_result(case, done, result):
    yield from differ("fields missing", set(), RESULT_KEYS - result.keys())
    for key, want in case.want.items():
        got = done.returncode if key == "exit" else result.get(key)
        if isinstance(want, set):
            want = got if got in want else want
        yield from differ(key, want, got)
    recipients = result.get("recipients", [])
    if case.want["status"] not in ANSWERED:
        return
    yield from differ("recipients", list(case.to), [r.get("address") for r in recipients])
    for got, want in zip(recipients, case.outcomes or [("ACCEPTED", 250, None)] * len(case.to)):
        yield from differ("fields missing of " + got["address"], set(), RECIPIENT_KEYS - got.keys())
        enhanced = got.get("enhanced") if want[2] else None
        yield from differ(got["address"], want, (got.get("outcome"), got.get("code"), enhanced))


def place(door, recipient):
    """Where mail through the door ends."""
    server, name = door.split()
    if server in RELAYING and recipient.endswith("@relay.example.test"):
        return "recorder"
    return "postfix" if server == "dovecot" and name in ("starttls", "submissions") else server


def check_mails(case, mails):
    outcomes = case.outcomes or [("ACCEPTED" if case.want["status"] == "OK" else "NOT_SENT",)] * len(case.to)
    accepted = [case.addresses.get(to, to) for to, outcome in zip(case.to, outcomes) if outcome[0] == "ACCEPTED"]
    want = sorted((place(case.door, recipient), recipient) for recipient in accepted)
    yield from differ("arrived", want, sorted((mail.place, mail.recipient) for mail in mails))
    for mail in mails:
        yield from check_content(mail.recipient, normalised(case.content), mail.content)
        for want, got in ((case.envelope, mail.envelope), (case.recipient, mail.parameters)):
            if got is not None:
                yield from differ(f"parameters for {mail.recipient}", want, {key: got.get(key) for key in want})


def check_batch(case, done, mails):
    """Each job's status, and that every content arrived at whom it was for and at nobody else."""
    try:
        results = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError:
        yield f"no JSON: exit {done.returncode}, {done.stdout[:500]}"
        return
    for result in results:
        yield from differ("fields missing", set(), JOB_KEYS - result.keys())
    yield from differ("exit", case.want["exit"], done.returncode)
    yield from differ("statuses", {job.id: job.status for job in case.batch},
                      {result.get("id"): result.get("status") for result in results})
    yield from differ("number of results", len(case.batch), len(results))
    want = sorted((place(case.door, to), to, normalised(job.content)) for job in case.batch for to in job.recipients())
    got = sorted((mail.place, mail.recipient, mail.content) for mail in mails)
    yield from differ("arrived", [mail[:2] for mail in want], [mail[:2] for mail in got])
    if want != got:
        yield "contents differ"


def check_content(recipient, want, got):
    if want == got:
        return
    at = next((i for i, pair in enumerate(zip(want, got)) if pair[0] != pair[1]), min(len(want), len(got)))
    part = slice(max(at - 20, 0), at + 40)
    yield (f"content for {recipient}, {len(want)} octets, {len(got)} arrived; from octet {part.start}: "
           f"want {want[part]!r}, got {got[part]!r}")


def check_logs(case, result, logs, seen):
    if case.logged and not poll(lambda: re.search(case.logged, logs.text())):
        yield f"log: want {case.logged!r}, got {logs.text()}"
    for verb in case.unseen:
        if seen and verb in seen:
            yield f"{verb} must not reach the server, which saw {sorted(seen)}"
    if case.queue_id:
        pattern = r": (\w+): from=<case\d+@example.test>, size="
        logged = poll(lambda: re.search(pattern, logs.text("postfix")))
        yield from differ("queue_id", logged and logged[1], result.get("queue_id"))
