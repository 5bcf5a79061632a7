# SPDX-License-Identifier: MIT
"""A running sink and a client that says exactly what a test tells it to."""
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

TIMEOUT_S = 30  # a test that waits this long has failed; nothing waits for it otherwise


class Client:
    """One connection. Replies are returned as text, a multi-line reply as one text."""

    def __init__(self, port, context=None, name="localhost"):
        if isinstance(port, str):  # the path of a Unix socket
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(TIMEOUT_S)
            self.socket.connect(port)
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.received = 0
        if context:
            self.start_tls(context, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def start_tls(self, context, name="localhost"):
        """A connection that then ends without close_notify raises."""
        self.socket = context.wrap_socket(self.socket, server_hostname=name, suppress_ragged_eofs=False)

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
            self.received += len(data)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def reply(self):
        lines = []
        while not lines or lines[-1][3:4] == "-":
            line = self.line()
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode("latin-1"))
        return "\n".join(lines)

    def say(self, *lines):
        """Sends the lines in one go and returns as many replies (one alone not in a list)."""
        self.send("".join(line + "\r\n" for line in lines))
        replies = [self.reply() for _ in lines]
        return replies if len(lines) > 1 else replies[0]

    def rest(self):
        """All octets until the server closes."""
        data, self.buffer = self.buffer, b""
        while True:
            more = self.socket.recv(65536)
            if not more:
                return data
            data += more

    def is_silent(self, seconds=0.3):
        """Nothing arrives, and the connection stays open."""
        self.socket.settimeout(seconds)
        try:
            self.buffer += self.socket.recv(1)
            return False
        except (TimeoutError, ssl.SSLWantReadError):
            return True
        finally:
            self.socket.settimeout(TIMEOUT_S)


class SinkCase(unittest.TestCase):
    program = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="postel-sink-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.process = None

    def tearDown(self):
        if self.process:
            self.stop()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self, *options):
        command = [self.program, "--smtp", "0", "--control", "0", "--exit-on-eof", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        if not ready:
            self.fail(f"did not start: {self.process.communicate()[1]}")
        self.assertEqual(ready[0], "ready")
        self.ports = {name: int(port) if port.isdigit() else port
                      for name, port in (word.split("=", 1) for word in ready[1:])}

    def start_tls(self, *options):
        """With a certificate that `self.context` trusts."""
        self.start("--smtps", "0", "--self-signed", self.path("ca.pem"), *options)
        self.context = ssl.create_default_context(cafile=self.path("ca.pem"))
        # Debian's Python takes an end without close_notify for a usual one, unless told not to.
        self.context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0x80)

    def stop(self):
        """Ends the sink by end of file; anything on stderr, like a sanitizer's report, is a failure."""
        process, self.process = self.process, None
        _, errors = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual((process.returncode, errors), (0, ""))

    def client(self, port="smtp", **arguments):
        client = Client(self.ports[port], **arguments)
        self.addCleanup(client.close)
        return client

    def greeted(self, **arguments):
        """A client that has said EHLO, or LHLO."""
        client = self.client(**arguments)
        self.assertRegex(client.reply(), "^220 ")
        hello = "LHLO" if arguments.get("port", "smtp").startswith("lmtp") else "EHLO"
        self.assertRegex(client.say(f"{hello} client.example"), "^250")
        return client

    def control(self, *lines):
        with Client(self.ports["control"]) as client:
            client.send("".join(line + "\n" for line in lines))
            answers = [client.line().decode().rstrip("\n") for _ in lines]
        return answers if len(lines) > 1 else answers[0]

    def stats(self):
        return json.loads(self.control("stats"))

    def ledger(self):
        with open(self.path("ledger"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def deliver(self, client, content=b"Subject: x\r\n\r\nhello\r\n", sender="a@example.org"):
        """One message by DATA; returns the final reply. The content is stuffed and ended here."""
        replies = client.say(f"MAIL FROM:<{sender}>", "RCPT TO:<b@example.org>", "DATA")
        self.assertEqual([reply[:3] for reply in replies], ["250", "250", "354"])
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        client.send(stuffed + b".\r\n")
        return client.reply()
