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
DOORS = {
    "postfix starttls": {"--tls": "starttls"},
    "postfix submissions": {"--tls": "implicit"},
    "postfix login": {"--tls": "starttls"},
    "postfix clear": {"--tls": "none"},
    "dovecot starttls": {"--tls": "starttls"},
    "dovecot submissions": {"--tls": "implicit"},
    "aiosmtpd starttls": {"--tls": "starttls"},
    "aiosmtpd submissions": {"--tls": "implicit"},
}
RESULT_KEYS = {"id", "status", "phase", "code", "enhanced", "text", "queue_id", "recipients", "attempts", "ms"}
ANSWERED = ("OK", "PARTIAL", "REJECTED", "DEFERRED")     # by the server: then each recipient's outcome is known
RECIPIENT_KEYS = {"address", "outcome", "phase", "code", "enhanced", "text"}
TRACE_HEADER = re.compile(rb"((Return-Path|X-Original-To|Delivered-To|Received):.*\n([ \t].*\n)*)*")


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
        return {"--host": "127.0.0.1", "--port": str(self.info[server][name]), "--server-name": "localhost",
                "--ca": self.info["ca"], "--user": self.info["user"], "--password-file": self.info["password_file"],
                "--timeout": "30", **DOORS[door]}

    def settled(self):
        """Whether nothing is on its way in Postfix.  In the order of a message's way, so that none slips by."""
        return not any(files for name in ("incoming", "active", "deferred")
                       for _, _, files in os.walk(os.path.join(self.info["postfix"]["queue"], name)))

    def collect(self):
        """Takes all mail out of the mailboxes."""
        if not poll(self.settled, 10):
            raise RuntimeError("Postfix has undelivered mail")
        mails = []
        for name in glob.glob(self.info["postfix"]["mail"] + "/*"):
            trace, content = self.take(name)
            recipient = re.search(rb"^Delivered-To: (.*)", trace, re.M)[1].decode()
            mails.append(Mail("postfix", recipient, content.replace(b"\n", b"\r\n")))
        for place in ("recorder", "aiosmtpd"):
            for name in glob.glob(self.info[place]["mail"] + "/*.eml"):
                content = self.take(name)[1]
                with open(name[:-4] + ".json") as file:
                    envelope = json.load(file)
                mails += [Mail(place, r["address"], content, decoded(envelope["params"]), decoded(r["params"]))
                          for r in envelope["recipients"]]
        return mails

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
        self.paths = {name: servers.info[name]["log"] for name in ("postfix", "dovecot", "aiosmtpd")}
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
        return getattr(self, self.server)()

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
            options[key] = value.format(**self.servers.info) if isinstance(value, str) else value
        words = [self.postel, case.command]
        for key, value in options.items():
            if value is True:
                words.append(key)
            elif value is not None:
                for each in [value] if isinstance(value, str) else value:
                    words += [key, each]
        return words + ["--json"]

    def call(self, case):
        words = self.arguments(case)
        if case.command == "send" and case.stdin:
            words.append("-")
        elif case.command == "send":
            words.append(os.path.join(self.directory, "message"))
            with open(words[-1], "wb") as file:
                file.write(case.content)
        try:
            return subprocess.run(words, input=case.content if case.stdin else b"", capture_output=True, timeout=60)
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
    if door.startswith("aiosmtpd"):
        return "aiosmtpd"
    return "recorder" if recipient.endswith("@relay.example.test") else "postfix"


def check_mails(case, mails):
    outcomes = case.outcomes or [("ACCEPTED" if case.want["status"] == "OK" else "NOT_SENT",)] * len(case.to)
    accepted = [to for to, outcome in zip(case.to, outcomes) if outcome[0] == "ACCEPTED"]
    want = sorted((place(case.door, recipient), recipient) for recipient in accepted)
    yield from differ("arrived", want, sorted((mail.place, mail.recipient) for mail in mails))
    for mail in mails:
        yield from check_content(mail.recipient, normalised(case.content), mail.content)
        for want, got in ((case.envelope, mail.envelope), (case.recipient, mail.parameters)):
            if mail.place != "postfix":
                yield from differ(f"parameters for {mail.recipient}", want, {key: got.get(key) for key in want})


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
