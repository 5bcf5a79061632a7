# SPDX-License-Identifier: MIT
"""One case against running servers: calls the command, collects what arrived and what the logs say, and compares.

Imported by ./run; knows no case.  The mailboxes are emptied after each case, so whatever is in them is the case's.
"""
import base64
import dataclasses
import json
import os
import re
import subprocess

from doors import Logs, place, poll

RESULT_KEYS = {"id", "status", "phase", "code", "enhanced", "text", "queue_id", "recipients", "attempts", "ms"}
ANSWERED = ("OK", "PARTIAL", "REJECTED", "DEFERRED")     # by the server: then each recipient's outcome is known
RECIPIENT_KEYS = {"address", "outcome", "phase", "code", "enhanced", "text"}
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


def normalised(content):
    """What must arrive: every newline is CRLF, the last line too; nothing else is changed."""
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    return content if not content or content.endswith(b"\r\n") else content + b"\r\n"


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
        return words + ["--json"]

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
