# SPDX-License-Identifier: MIT
"""The running servers: how each door is reached, what mail has arrived, and what the logs say.

Imported by ./harness; knows no case.
"""
import dataclasses
import glob
import json
import os
import re
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
TRACE_HEADER = re.compile(rb"((Return-Path|X-Original-To|Delivered-To|Envelope-To|Received|X-Cyrus-Session-Id|X-Sieve)"
                          rb":.*\n([ \t].*\n)*)*", re.I)


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


def place(door, recipient):
    """Where mail through the door ends."""
    server, name = door.split()
    if server in RELAYING and recipient.endswith("@relay.example.test"):
        return "recorder"
    return "postfix" if server == "dovecot" and name in ("starttls", "submissions") else server
