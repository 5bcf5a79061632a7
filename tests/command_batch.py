#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""command_batch.py POSTEL SINK [PATTERN]: runs `postel batch` against SINK.

Whatever a test does, the account of every run is compared with the sink's ledger: who was ACCEPTED is there once, and
nobody else, but for UNKNOWN.  PATTERN takes only the tests whose name it matches.
"""
import base64
import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from command import EXIT, FORM, MESSAGE, TIMEOUT_S, World, check_form, differ, is_pending, unlike

RESULT = {"id": object, "line": int} | {name: kind for name, kind in FORM["send"].items() if name != "id"}
TEXT = MESSAGE.decode()
# What a test with thousands of lines may need more than one with few, in KiB.
MAX_GROWTH_KIB = 24 * 1024


def line(number, to="b@example.test", **more):
    """A line whose sender says which one it is."""
    content = {} if more.keys() & {"file", "message", "message_base64"} else {"message": TEXT}
    return {"id": number, "from": f"m{number}@example.test", "to": [to] if isinstance(to, str) else to} | content | more


def packed(lines):
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)


def words(world, *options, **overrides):
    where = {"host": "127.0.0.1", "port": world.sink.smtp, "tls": "none"} | overrides
    where = [f"--{name}={value}" for name, value in where.items() if value is not None]
    return [world.postel, "batch", *where, *options]


def results(stdout):
    found = [json.loads(text) for text in stdout.decode("ascii").splitlines()]
    return found


def check_results(world, found):
    """The form of each, and that the ledger has the truth."""
    entries = world.sink.arrived()
    for result in found:
        yield from differ("members", list(RESULT), list(result))
        yield from check_form("a result", {n: k for n, k in RESULT.items() if n != "id"},
                              {n: v for n, v in result.items() if n != "id"})
        for recipient in result["recipients"]:
            yield from check_form("a recipient", FORM["recipient"], recipient)
    numbers = [result["line"] for result in found]
    yield from differ("lines with more than one result", [], sorted({n for n in numbers if numbers.count(n) > 1})
                      if len(numbers) < 5000 else [None] * (len(numbers) - len(set(numbers))))
    arrived = {}
    for entry in entries:
        for to in entry["to"]:
            key = entry["from"], to["address"]
            arrived[key] = arrived.get(key, 0) + 1
    for result in found:
        for recipient in result["recipients"]:
            key = f"m{result['id']}@example.test", recipient["address"]
            if recipient["outcome"] == "ACCEPTED":
                if not arrived.get(key):
                    yield f"{key} is ACCEPTED, but did not arrive: {result}"
                arrived[key] = arrived.get(key, 0) - 1
            elif recipient["outcome"] == "UNKNOWN" and arrived.get(key):
                arrived[key] -= 1
    if extra := {key: count for key, count in arrived.items() if count > 0}:
        yield f"arrived, but is not ACCEPTED: {dict(list(extra.items())[:5])} of {len(extra)}"


def run(world, lines, *options, ledger=True, stdin=None, **overrides):
    """The exit status, the results, standard error, and what is wrong with these."""
    done = world.call(words(world, "--json", *options, **overrides), packed(lines) if stdin is None else stdin)
    try:
        found = results(done.stdout)
    except ValueError as fault:
        return done.returncode, [], done.stderr.decode(), [f"{fault}: {done.stdout!r}, {done.stderr!r}"]
    return done.returncode, found, done.stderr.decode(), list(check_results(world, found)) if ledger else []


def by_line(found):
    return {result["line"]: result for result in found}


def statuses(found):
    return [result["status"] for result in sorted(found, key=lambda result: result["line"])]


# ---- Lines ----

def contents(world):
    """Each form of content, recipients and identifiers arrives as it was given."""
    octets = bytes(range(1, 10)) + b"\r\n" + bytes(range(14, 256)) + b"\r\n"
    world.write("batch file.eml", b"from a file\r\n")
    lines = [line(1, message="ü\n.\n"), line(2, message_base64=base64.b64encode(octets).decode()),
             line(3, file="batch file.eml"), line(4, message=""), line(5, message_base64=""),
             line(6, to=["b@example.test", {"address": "c@example.test", "notify": "never"},
                         {"address": "b@example.test", "notify": "success,delay", "orcpt": "rfc822;x@y.test"}]),
             line(7, to="b@example.test") | {"to": "b@example.test"}, line(0) | {"id": "x\x1b\x7fü"}, line(2 ** 62), line(-0.1),
             line(1e300), line(12345.0), line(0.30000000000000004), {k: v for k, v in line(8).items() if k != "id"}]
    done = world.call(words(world, "--json", "--ordered"), packed(lines))
    found = results(done.stdout)
    yield from differ("exit status", (0, []), (done.returncode, [r for r in found if r["status"] != "OK"]))
    yield from differ("identifiers", [each.get("id") for each in lines], [result["id"] for result in found])
    yield from differ("kinds", [type(each.get("id")) for each in lines], [type(result["id"]) for result in found])
    entries = {entry["from"]: entry for entry in world.sink.arrived()}
    for number, content in ((1, "ü\r\n.\r\n".encode()), (2, octets), (3, b"from a file\r\n"), (4, b""), (5, b"")):
        yield from differ(f"content of {number}", hashlib.sha256(content).hexdigest(),
                          entries[f"m{number}@example.test"]["sha256"])
    yield from differ("recipients", lines[5]["to"][0], found[5]["recipients"][0]["address"])
    yield from differ("duplicates", ["b@example.test", "c@example.test", "b@example.test"],
                      [r["address"] for r in found[5]["recipients"]])
    yield from differ("parameters", [[], ["NOTIFY=NEVER"], ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;x@y.test"]],
                      [r["params"] for r in entries["m6@example.test"]["to"]])


def parameters(world):
    """Each option may stand in a line, goes before that of the command, and there is what a line has by default."""
    dsn = {"ret": "hdrs", "envid": 7, "notify": "never", "orcpt": "rfc822;o@example.test"}
    lines = [line(1, **dsn), line(2, body="8bitmime", newlines="refuse", max_line="pass", smtputf8=True),
             line(3, by="120;R"), line(4, hold_for=60), line(5, hold_until="2026-12-24T18:00:00Z"),
             line(6, mt_priority=-3), line(7, all_or_none=True), line(8, ret="full", smtputf8=False),
             {"id": 9, "message": "x"}, line(10, body="binarymime", message="a\0b\n"),
             line(11, mail_param=["X-A", "X-B=2"], rcpt_param="X-C"), line(12, require_tls=True)]
    with world.sink.settings(["with DELIVERBY", "with FUTURERELEASE=99999999 2030-01-01T00:00:00Z", "with MT-PRIORITY"]):
        status, found, _, wrong = run(world, lines, "--envid=default", "--smtputf8", "--from=m9@example.test",
                                      "--to=d@example.test", "--to=e@example.test", "--ordered", "--trace", ledger=False)
    yield from wrong
    entries = {entry["from"]: entry for entry in world.sink.arrived()}
    for number, want in ((1, {"RET=HDRS", "ENVID=7", "SMTPUTF8"}), (2, {"BODY=8BITMIME", "SMTPUTF8", "ENVID=default"}),
                         (3, {"BY=120;R"}), (4, {"HOLDFOR=60"}), (5, {"HOLDUNTIL=2026-12-24T18:00:00Z"}),
                         (6, {"MT-PRIORITY=-3"}), (8, {"RET=FULL"}), (9, {"ENVID=default", "SMTPUTF8"}),
                         (10, {"BODY=BINARYMIME"})):
        got = set(entries.get(f"m{number}@example.test", {"mail_params": []})["mail_params"])
        yield from differ(f"parameters of {number}", want, got & want)
        yield from differ(f"SMTPUTF8 of {number}", number != 8, "SMTPUTF8" in got)
    yield from differ("recipient's", [["NOTIFY=NEVER", "ORCPT=rfc822;o@example.test"]],
                      [r["params"] for r in entries["m1@example.test"]["to"]])
    yield from differ("default recipients", ["d@example.test", "e@example.test"],
                      [r["address"] for r in entries["m9@example.test"]["to"]])
    yield from differ("REQUIRETLS", "UNSUPPORTED", found[11]["status"])
    yield from differ("exit status", 1, status)


BAD_LINES = (
    (b"{", None, ""), (b"[]", None, "must be a JSON object"), (b'"x"', None, ""), (b"\xff", None, ""),
    (b'{"id":1} x', None, ""), (b'{"id":"\\ud800"}', None, ""), (b'{"id":"a\xff"}', None, ""),
    (b'{"id":"twice","from":"a","from":"b"}', "twice", "duplicate"),
    (b'{"id":1,"id":2}', None, "duplicate"), (b'{"id":99999999999999999999}', None, ""),
    ({"id": 5}, 5, "from: is required"), (line(5) | {"id": None}, None, "^id: "), (line(5) | {"id": [1]}, None, "^id: "),
    (line(5) | {"id": "a\0b"}, None, "^id: "),
    ({"id": 6, "from": "a@b.test", "message": ""}, 6, "^to: "), (line(7, to=[]), 7, "^to: "),
    (line(8, to=[1]), 8, "^to 1: "), (line(8, to=["a@b.test", {}]), 8, "^to 2: "),
    (line(9, to=[{"address": "a@b.test", "x\x1b": 1}]), 9, '^to 1: unknown key "x'), (line(9) | {"to": 5}, 9, "^to: "),
    (line(9, to=[{"address": "a@b.test", "notify": "often"}]), 9, "^to 1: notify: must be never"),
    (line(9, to=[{"address": "a@b.test", "notify": 1}]), 9, "^to 1: notify: must be a string"),
    (line(9, to=[{"address": "a@b.test", "orcpt": "x"}]), 9, "^orcpt of to 1: "),
    ({"id": 10, "from": "a@b.test", "to": ["c@d.test"]}, 10, "is required"),
    (line(11, message="x", file="y"), 11, "^message: .*file"), (line(11, message="x", message_base64=""), 11, "message_base64"),
    (line(12, message=1), 12, "^message: must be a string"), (line(12, file="a\0b"), 12, "^file: holds a NUL"),
    (line(13, message_base64="x"), 13, "^message_base64: "), (line(13, message_base64="YQ"), 13, "base64"),
    (line(13, message_base64="YR=="), 13, "base64"), (line(13, message_base64="YQ==\n"), 13, "base64"),
    (line(13, message_base64="Y==="), 13, "base64"), (line(13, message_base64="YQ==YQ=="), 13, "base64"),
    (line(13, message_base64="Y-_="), 13, "base64"), (line(13, message_base64="YW\0h"), 13, "base64"),
    (line(14, require_tls="yes"), 14, "^require_tls: must be true or false"), (line(14, require_tls=1), 14, "^require_tls: "),
    (line(14, ret=True), 14, "^ret: must be a string"), (line(14, ret=None), 14, "^ret: "), (line(14, ret=["full"]), 14, "^ret: "),
    (line(14, ret="half"), 14, "^ret: must be one of"), (line(14, max_line="x"), 14, "^max_line: must be one of"),
    (line(14, hold_for=1.5), 14, "^hold_for: must be"), (line(14, hold_for="\r"), 14, "^hold_for: must be"),
    (line(14, by="x"), 14, "^by: must be"), (line(14, mt_priority="x"), 14, "^mt_priority: must be"),
    (line(14, mail_param=[["X"]]), 14, "^mail_param: "), (line(14, mail_param="X=\r\n"), 14, "^parameter 1 of the message: "),
    (line(15, bogus=1), 15, '^unknown key "bogus"'), (line(15, **{"max-line": "pass"}), 15, '"max-line"'),
    (line(15, host="h"), 15, '"host"'), (line(15, to_file="x"), 15, '"to_file"'), (line(15, Ret="full"), 15, '"Ret"'),
    (line(15, orcpt="rfc822;a@b.test", to=["a@b.test", "c@d.test"]), 15, "^orcpt: needs exactly one"),
    *((line(16) | {"from": f"a{octet}b@c.test"}, 16, "^from: ") for octet in "\r\n\0\x01\x7f "),
    *((line(17, to=[f"a{octet}b@c.test"]), 17, "^to 1: ") for octet in "\r\n\0\x01\x7f "),
    *((line(18, envid=f"a{octet}"), 18, "^envid: ") for octet in "\r\n\0\x01\x7fü"),
    *((line(19, auth_param=f"a{octet}@b.test"), 19, "^auth(_param)?: ") for octet in "\r\n\0\x01\x7f"),
    *((line(20, hold_until=f"2026{octet}"), 20, "^hold_until: ") for octet in "\r\n\0\x7f"),
)


def bad_lines(world):
    """Each is told of with its number, and takes no other with it."""
    lines = []
    for i, (bad, _, _) in enumerate(BAD_LINES):
        lines += [bad, b" \t\r", line(1000 + i)]
    status, found, _, wrong = run(world, lines, "--pool=2", stdin=packed(lines)[:-1])
    yield from wrong
    yield from differ("exit status", 1, status)
    told = by_line(found)
    yield from differ("lines", sorted(3 * i + k for i in range(len(BAD_LINES)) for k in (1, 3)), sorted(told))
    for i, (bad, number, text) in enumerate(BAD_LINES):
        result = told.get(3 * i + 1, {"id": "none", "text": "", "status": ""})
        yield from differ(f"{bad}", ("INVALID", number), (result["status"], result["id"]))
        yield from unlike(f"{bad}", text or ".", result["text"])
    yield from differ("the others", {"OK"}, {r["status"] for r in found if r["line"] % 3 == 0})


def long_lines(world):
    """A line of up to 64 MiB is a line; a longer one is skipped."""
    head, tail = json.dumps(line(1, message="")).encode()[:-2], b'"}\n'
    for size, want in ((64 * 2 ** 20, "OK"), (64 * 2 ** 20 + 1, "INVALID")):
        body = b"0123456789abcde\\n" * (size // 17)
        body += b"x" * (size - len(head) - len(tail) + 1 - len(body))
        body = body[:size - len(head) - len(tail) + 1]
        body = re.sub(rb"\\$", b"x", body)
        status, found, _, wrong = run(world, [], stdin=head + body + tail + packed([line(2)]))
        yield from wrong
        yield from differ(f"{size} octets", [want, "OK"], statuses(found))
        yield from differ(f"{size} octets", 0 if want == "OK" else 1, status)


# ---- Order, and time ----

class Running:
    """A batch whose input stays open."""

    def __init__(self, world, *options, **arguments):
        self.process = subprocess.Popen(words(world, "--json", *options), **({
            "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | arguments),
            cwd=world.directory, env=world.environment({}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def say(self, *lines):
        self.process.stdin.write(packed(lines))
        self.process.stdin.flush()

    def hear(self):
        if not select.select([self.process.stdout], [], [], TIMEOUT_S)[0]:
            raise EOFError("no result comes")
        return json.loads(self.process.stdout.readline())

    def end(self):
        out, _ = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, results(out)


def wait_for(world, name, count):
    while world.sink.stats()["commands"][name] < count:
        pass


def endless_input(world):
    """Each result comes while the input is open."""
    for options in ((), ("--ordered",), ("--pool=1",)):
        with Running(world, *options) as running:
            found = []
            for number in range(1, 6):
                running.say(line(number))
                found.append(running.hear())
                yield from differ("result", (number, "OK"), (found[-1]["id"], found[-1]["status"]))
            running.process.stdin.write(json.dumps(line(6)).encode())
            yield from differ("the end", (0, ["OK"]), (lambda s, f: (s, statuses(found.extend(f) or f)))(*running.end()))
        yield from check_results(world, found)


def order(world):
    """A message that takes its time is overtaken, but not with --ordered."""
    for options, want in (((), [2, 3, 1]), (("--ordered",), [1, 2, 3])):
        world.sink.ask("reset-stats")
        with world.sink.settings(["fault mail#1=stall"]), \
                Running(world, "--phase-timeout=2", "--pool=2", *options) as running:
            running.say(line(1))
            wait_for(world, "MAIL", 1)
            running.say(line(2))
            first = [] if options else [running.hear()]
            running.say(b'{"id":3}')
            status, found = running.end()
        found = first + found
        yield from differ(f"order {options}", want, [result["line"] for result in found])
        yield from differ(f"statuses {options}", ["OK", "INVALID"], statuses(found)[1:])
        yield from differ("exit status", 1, status)
        yield from check_results(world, found)


def many_in_order(world):
    lines = [line(i) if i % 7 else {"id": i} for i in range(1, 3001)]
    for pool in (1, 4, 100):
        status, found, _, wrong = run(world, lines, "--ordered", f"--pool={pool}")
        yield from wrong
        yield from differ("order", list(range(1, 3001)), [result["line"] for result in found])
        yield from differ("exit status", 1, status)
    status, found, _, wrong = run(world, lines, "--pool=100")
    yield from wrong + list(differ("lines", set(range(1, 3001)), {result["line"] for result in found}))


def time_of_each(world):
    """The timeout is each message's: many that take their time in turn are no fault, one that is stuck is."""
    with world.sink.settings(["reply-delay-ms 100"]):
        status, found, _, wrong = run(world, [line(i) for i in range(12)], "--timeout=1.5", "--pool=1",
                                      "--pipelining=never", "--chunking=never")
    yield from wrong
    yield from differ("slow", (0, {"OK"}), (status, set(statuses(found))))
    with world.sink.settings(["fault mail=stall"]):
        status, found, _, wrong = run(world, [line(i) for i in range(3)], "--timeout=0.5", "--pool=1",
                                      "--chunking=never")
    yield from wrong
    yield from differ("stuck", (75, {"TIMEOUT"}), (status, set(statuses(found))))


def memory(world):
    """It does not grow with the input, whoever is slow."""
    def peak(count, *options, settings=(), slow_reader=False):
        text = packed([line(1, message="x" * 2000)]) * count
        with world.sink.settings(settings):
            process = subprocess.Popen(words(world, "--json", *options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=-1,
                                       cwd=world.directory,
                                       env=world.environment({"ASAN_OPTIONS": "quarantine_size_mb=1"}))

            feeder = threading.Thread(target=lambda: (process.stdin.write(text), process.stdin.flush()))
            feeder.start()
            if slow_reader:     # nothing is taken until everything is stuck: the pipe is full, and nothing is read
                world.sink.ask("reset-stats")
                before = -1
                while before != (before := world.sink.stats()["messages"]) or not before:
                    select.select([], [], [], 0.3)
            # While the input is open, the process is there.
            got = sum(bool(process.stdout.readline()) for _ in range(count))
            feeder.join()
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                high = int(re.search(r"VmHWM:\s*(\d+)", file.read())[1])
            process.communicate(timeout=TIMEOUT_S)
        return got, process.returncode, high

    for name, options, more in (("as it comes", (), {}), ("in order", ("--ordered",), {}),
                                ("stuck at the first", ("--ordered", "--phase-timeout=2"),
                                 {"settings": ["fault mail#1=stall"]}),
                                ("nobody reads", (), {"slow_reader": True})):
        _, _, few = peak(2000, *options)
        got, status, many = peak(16000, *options, **more)
        yield from differ(f"{name}: results", 16000, got)
        if status not in (0, 1):
            yield f"{name}: exit status {status}"
        if many - few > MAX_GROWTH_KIB:
            yield f"{name}: {few} KiB for 2,000 lines, {many} KiB for 40,000"
        world.sink.arrived()


# ---- Servers ----

def refusals(world):
    """A message that is refused takes no other with it."""
    settings = ["refuse-mail m7@*=550 5.7.1 No", "refuse-rcpt no@*=550 5.1.1 No", "refuse-rcpt later@*=450 4.2.1 Later",
                "final m13@*=554 5.6.0 No", "final m14@*=451 4.3.0 Later"]
    want = {7: "REJECTED", 9: "REJECTED", 10: "DEFERRED", 11: "PARTIAL", 12: "IO", 13: "REJECTED", 14: "DEFERRED"}
    lines = [line(i) for i in range(1, 31)]
    lines[8], lines[9] = line(9, "no@example.test"), line(10, "later@example.test")
    lines[10], lines[11] = line(11, ["b@example.test", "no@example.test"]), line(12, file="nowhere")
    for options in ((), ("--chunking=never",), ("--pipelining=never",), ("--pool=1",), ("--pool=1", "--chunking=never")):
        with world.sink.settings(settings):
            status, found, _, wrong = run(world, lines, *options)
        yield from wrong
        yield from differ(f"{options}", [want.get(i, "OK") for i in range(1, 31)], statuses(found))
        yield from differ(f"{options}: exit status", 1, status)


def faults(world):
    """A server that dies in the middle: the account and the ledger agree."""
    for place in ("mail", "rcpt", "data", "bdat", "body", "final", "accepted"):
        for what in ("close", "reset", "421", "garbage"):
            options = ("--chunking=never",) if place == "data" else ()
            with world.sink.settings([f"fault {place}#5={what}"]):
                status, found, _, wrong = run(world, [line(i) for i in range(1, 41)], "--pool=2", *options)
            yield from (f"{what} at {place}: {text}" for text in wrong)
            yield from differ(f"{what} at {place}: lines", list(range(1, 41)), sorted(r["line"] for r in found))
            if status not in (0, 1):
                yield f"{what} at {place}: exit status {status}"


def no_server(world):
    port = world.closed.getsockname()[1]
    status, found, err, wrong = run(world, [line(i) for i in range(1, 6)], port=port)
    yield from wrong + list(differ("nobody listens", (74, ["CONNECT"] * 5, ""), (status, statuses(found), err)))
    status, found, _, wrong = run(world, [line(1)], "--user=reports", "--password-file=wrong", tls="starttls", ca="ca.pem")
    yield from wrong + list(differ("a wrong password", (77, ["AUTH"]), (status, statuses(found))))


def lmtp(world):
    """Each recipient of each message has its own outcome."""
    lines = [line(i, ["b@example.test", "no@example.test", "later@example.test"][:1 + i % 3]) for i in range(1, 31)]
    with world.sink.settings(["final-rcpt no@*=550 5.2.1 Full", "final-rcpt later@*=450 4.2.0 Later"]):
        status, found, _, wrong = run(world, lines, "--ordered", "--socket=" + world.path("lmtp.sock"), "--lmtp",
                                      host=None, port=None, tls=None)
    yield from wrong
    yield from differ("exit status", 1, status)
    for number, result in by_line(found).items():
        yield from differ(f"line {number}", ["ACCEPTED", "REJECTED", "DEFERRED"][:1 + number % 3],
                          [r["outcome"] for r in result["recipients"]])


def exit_statuses(world):
    settings = ["refuse-rcpt no@*=550 5.1.1 No", "refuse-rcpt later@*=450 4.2.1 Later", "fault accepted=close"]
    kinds = {"reject": line(1, "no@example.test"), "defer": line(2, "later@example.test"), "invalid": {"id": 3},
             "missing": line(4, file="nowhere"), "unknown": line(5)}
    for names, want in (("", 0), ("reject", 69), ("defer", 75), ("invalid", 65), ("missing", 74), ("unknown", 2),
                        ("reject invalid", 69), ("invalid reject", 65), ("missing reject", 74), ("invalid defer", 75),
                        ("defer unknown reject", 2)):
        with world.sink.settings(settings):
            status, _, err, wrong = run(world, [kinds[name] for name in names.split()], "--pool=1")
        yield from wrong + list(differ(f"exit status of {names}", (want, ""), (status, err)))
    status, _, _, wrong = run(world, [line(1), {"id": 2}])
    yield from wrong + list(differ("one of two", 1, status))


# ---- Signals ----

def interrupt(world):
    """Every line that was read has a true result, and they are the first ones."""
    for fault in ("mail=stall", "mail#3=stall", "final#3=stall", "accepted#3=stall"):
        for number, options in ((signal.SIGINT, ()), (signal.SIGTERM, ("--ordered",))):
            world.sink.ask("reset-stats")
            with world.sink.settings([f"fault {fault}"]), Running(world, "--pool=1", *options) as running:
                running.say(*(line(i) for i in range(1, 301)))
                wait_for(world, "MAIL", 3 if "#" in fault else 1)
                running.process.send_signal(number)
                found = results(running.process.stdout.read())      # the input is still open
                status = running.process.wait(TIMEOUT_S)
            yield from differ(f"{fault}: lines", list(range(1, len(found) + 1)), sorted(r["line"] for r in found))
            accepted = any(r["status"] == "OK" for r in found)
            unknown = any(r["status"] == "UNKNOWN" for r in found)
            yield from differ(f"{fault}: exit status", 1 if accepted else 2 if unknown else 75, status)
            if extra := {r["status"] for r in found} - {"OK", "UNKNOWN", "INTERRUPTED"}:
                yield f"{fault}: {extra}"
            if "INTERRUPTED" not in {r["status"] for r in found}:
                yield f"{fault}: nothing was interrupted"
            yield from check_results(world, found)


def idle_interrupt(world):
    """An interrupt while nothing is to be done: what was sent was sent, but the input was not read to its end."""
    with Running(world) as running:
        running.say(line(1))
        found = [running.hear()]
        running.process.send_signal(signal.SIGINT)
        running.process.wait(TIMEOUT_S)
        yield from differ("exit status", (1, b""), (running.process.returncode, running.process.stdout.read()))
    yield from check_results(world, found)
    with Running(world, "--trace") as running:
        wait_until_asleep(running.process)
        running.process.send_signal(signal.SIGTERM)
        yield from differ("exit status without any", 75, running.process.wait(TIMEOUT_S))


def wait_until_asleep(process):
    """Until it has blocked the signals, which it does before it reads."""
    while True:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            if int(re.search(r"^SigBlk:\s*(\w+)", file.read(), re.M)[1], 16) >> signal.SIGTERM - 1 & 1:
                return


def second_interrupt(world):
    """It ends the process at once, and what is known is still told."""
    world.sink.ask("reset-stats")
    with world.sink.settings(["fault mail#1=stall"]), Running(world, "--pool=2", "--ordered") as running:
        running.say(line(1))
        wait_for(world, "MAIL", 1)
        running.say(b'{"id":2}', line(3))
        while not world.sink.stats()["messages"]:
            pass
        running.process.send_signal(signal.SIGINT)
        while is_pending(running.process, signal.SIGINT):
            pass
        running.process.send_signal(signal.SIGINT)
        yield from differ("exit status", -signal.SIGINT, running.process.wait(TIMEOUT_S))
        found = results(running.process.stdout.read())
        if not {r["line"] for r in found} & {2, 3}:
            yield f"not told: {found}"
    world.sink.arrived()


def second_interrupt_when_nobody_reads(world):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    with Running(world, stdout=writer) as running:
        running.say(line(1))
        while not world.sink.arrived():
            pass
        for _ in range(2):
            running.process.send_signal(signal.SIGTERM)
            while is_pending(running.process, signal.SIGTERM):
                pass
        yield from differ("exit status", -signal.SIGTERM, running.process.wait(TIMEOUT_S))
    os.close(reader)
    os.close(writer)


# ---- Files ----

def inputs(world):
    """Where lines come from, and where they do not."""
    path = world.write("lines", packed([line(1), line(2)])[:-1])
    for arguments, stdin in (([path], b""), (["-"], packed([line(1), line(2)])), ([], packed([line(1), line(2)]))):
        status, found, err, wrong = run(world, [], *arguments, stdin=stdin)
        yield from wrong + list(differ(f"{arguments}", (0, ["OK"] * 2, ""), (status, statuses(found), err)))
    status, found, _, wrong = run(world, [b"", b" ", b"\r"])
    yield from wrong + list(differ("blank", (0, []), (status, found)))
    for name, arguments, want in (
            ("missing", ["nowhere"], ("IO", "nowhere: No such file")), ("a directory", ["."], ("IO", "directory")),
            ("two readers", ["--to-file=-"], ("INVALID", "--to-file: standard input")),
            ("a password", ["--user=x", "--password-file=-"], ("INVALID", "--password-file: standard input")),
            ("a bad option", ["--ret=half"], ("INVALID", "--ret: must be one of")),
            ("a bad parameter", ["--envid=ü"], ("INVALID", "envid: ")), ("a bad sender", ["--from=x"], ("INVALID", "from: ")),
            ("a bad choice of content", ["--max-line=x"], ("INVALID", "--max-line: ")),
            *((f"pool {value!r}", [f"--pool={value}"], ("INVALID", "pool")) for value in
              ("0", "-1", "10001", "x", "", "1.5", "99999999999"))):
        world.sink.ask("reset-stats")
        done = world.call(words(world, "--json", *arguments), packed([line(1)]))
        found = results(done.stdout) or [{}]
        yield from differ(f"{name}", (EXIT[want[0]], want[0], None, None, b""),
                          (done.returncode, found[0].get("status"), found[0].get("id"), found[0].get("line"), done.stderr))
        yield from differ(f"{name}: members", list(RESULT), list(found[0]))
        yield from unlike(name, want[1], found[0].get("text", ""))
        yield from differ(f"{name}: connections", 0, world.sink.stats()["connections"])
        done = world.call(words(world, *arguments), packed([line(1)]))
        yield from differ(f"{name} for people", (EXIT[want[0]], b""), (done.returncode, done.stdout))
        yield from unlike(name, rf"\Apostel: {want[0]}: [^\n]*{want[1]}", done.stderr.decode())
    for arguments in (["a", "b"], ["--bogus"], ["--pool"], ["--ordered=1"]):
        done = world.call([world.postel, "batch", *arguments])
        yield from differ(f"usage of {arguments}", (64, b""), (done.returncode, done.stdout))
    done = world.call(["sh", "-c", 'exec "$@" <&-', "sh", *words(world, "--json")])
    yield from differ("closed input", (74, ["IO"]), (done.returncode, statuses([{"line": 0} | r for r in results(done.stdout)
                                                                                 if not r.update(line=0)])))


def outputs(world):
    """When nobody can be told, no more is sent."""
    full = os.open("/dev/full", os.O_WRONLY)
    gone = os.pipe()
    os.close(gone[0])
    lines = packed([line(i) for i in range(5000)])
    for name, redirection, stdout, most in (("full", "", full, 2000), ("gone", "", gone[1], 2000), ("closed", ">&-", None, 0),
                                            ("read only", "1</dev/null", None, 0)):
        for mode in (["--json"], []):
            process = subprocess.Popen(["sh", "-c", f'exec "$@" {redirection}', "sh", *words(world, *mode)],
                                       stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, cwd=world.directory,
                                       env=world.environment({}))
            _, err = process.communicate(lines, timeout=TIMEOUT_S)
            yield from differ(f"{name}: exit status", 74, process.returncode)
            if mode == [] or most:
                yield from unlike(f"{name}: standard error", "postel: IO: standard output", err.decode())
            if len(world.sink.arrived()) > most:
                yield f"{name}: it goes on"
    os.close(full)
    os.close(gone[1])


def for_people(world):
    """A line or a block for each message, and at the end a summary unless all is well."""
    lines = [line(1), line(2, ["b@example.test", "no@example.test"]) | {"id": "zwei\n\x1b"}, {k: v for k, v in line(3).items() if k != "id"},
             line(0.1, file="nowhere"), b"{"]
    with world.sink.settings(["refuse-rcpt no@*=550 5.1.1 No\x1b such"]):
        done = world.call(words(world, "--ordered"), packed(lines))
    world.sink.arrived()
    want = (r"\A1 \(line 1\): accepted: 250 [^\n]*\(queue id \w+\)\n"
            r"zwei\\n\\x1b \(line 2\): partial: 250 [^\n]*\n  b@example.test: accepted: 250 [^\n]*\n"
            r"  no@example.test: rejected: 550 5.1.1 No\\x1b such\n"
            r"line 3: accepted: [^\n]*\n0.1 \(line 4\): io: [^\n]*nowhere[^\n]*\n  b@example.test: not sent[^\n]*\n"
            r"line 5: invalid: [^\n]*\n\Z")
    yield from unlike("standard output", want, done.stdout.decode())
    yield from differ("standard error", b"postel: 5 messages: 2 sent, 1 sent in part, 2 failed\n", done.stderr)
    done = world.call(words(world), packed([line(1)]))
    world.sink.arrived()
    yield from differ("all is well", (0, b""), (done.returncode, done.stderr))


def progress(world):
    """On a terminal there is a line that is rewritten, and gone before anything else is written."""
    path = world.write("slow", packed([line(i) for i in range(30)]))
    for name, options, environment, to_terminal in (
            ("terminal", ["--json"], {"TERM": "xterm"}, False), ("both", [], {"TERM": "xterm"}, True),
            ("dumb", ["--json"], {"TERM": "dumb"}, False), ("trace", ["--trace"], {"TERM": "xterm"}, False)):
        master, slave = pty.openpty()
        with world.sink.settings(["reply-delay-ms 20"]):
            process = subprocess.Popen(words(world, *options, "--pool=1", "--pipelining=never", "--chunking=never", path),
                                       stdin=subprocess.DEVNULL, stderr=slave, cwd=world.directory,
                                       stdout=slave if to_terminal else subprocess.DEVNULL,
                                       env=world.environment(environment))
            os.close(slave)
            shown = b""
            try:
                while chunk := os.read(master, 65536):
                    shown += chunk
            except OSError:     # the other end is closed
                pass
            os.close(master)
            process.wait(TIMEOUT_S)
        text = shown.decode().replace("\r\n", "\n")
        drawn = re.findall(r"\r([^\r\n]*)\x1b\[K", text)
        if (name in ("dumb", "trace")) == bool(drawn):
            yield f"{name}: drawn {drawn}"
        lines = [each for each in drawn if each]
        yield from (f"{name}: {each!r}" for each in lines if not re.fullmatch(r"\d+ sent; \d+/s(, \d+:\d\d:\d\d left)?", each))
        yield from unlike(f"{name}: the last", r"(\A|\n|\x1b\[K)postel: 30 messages: 30 sent\n\Z", text)
        if to_terminal:
            rest = re.sub(r"\r[^\r\n]*\x1b\[K", "", text).splitlines()
            yield from differ(f"{name}: lines", 31, len(rest))
        if name == "terminal" and not any("left" in each for each in lines):
            yield f"no time is told: {lines}"
        yield from differ(f"{name}: arrived", 30, len(world.sink.arrived()))


def main(postel, sink, pattern=""):
    failed = passed = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = tempfile.mkdtemp(prefix="postel-batch-")
    world = None
    try:
        world = World(postel, sink, directory)
        world.write("wrong", b"falsch")
        for test in (contents, parameters, bad_lines, long_lines, endless_input, order, many_in_order, time_of_each, memory,
                     refusals, faults, no_server, lmtp, exit_statuses, interrupt, idle_interrupt, second_interrupt,
                     second_interrupt_when_nobody_reads, inputs, outputs, for_people, progress):
            if not re.search(pattern, test.__name__):
                continue
            try:
                wrong = list(test(world))
            except (EOFError, OSError, KeyError, IndexError, ValueError, subprocess.TimeoutExpired) as fault:
                wrong = [repr(fault)]
            if wrong:
                print(f"FAILED {test.__name__.replace('_', ' ')}", *(text[:1500] for text in wrong[:20]), sep="\n    ",
                      flush=True)
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
