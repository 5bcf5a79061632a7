# SPDX-License-Identifier: MIT
"""A running sink: a server with TLS and AUTH on loopback, which writes a ledger of what it accepted."""
import json
import os
import shutil
import socket
import subprocess
import tempfile

USER, PASSWORD = "Jürgen", "pässword:7+=, €"


class Sink:
    def __init__(self, program, *options):
        self.directory = tempfile.mkdtemp(prefix="postel-ffi-")
        self.ca_file = os.path.join(self.directory, "ca.pem")
        self.ledger_file = os.path.join(self.directory, "ledger")
        users = os.path.join(self.directory, "users")
        with open(users, "w", encoding="utf-8") as file:
            file.write(f"{USER}:{PASSWORD}\n")
        # What is preloaded for the library's sake is not the sink's.
        environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        self.process = subprocess.Popen(
            [program, "--smtps", "0", "--lmtps", "0", "--control", "0", "--exit-on-eof", "--self-signed", self.ca_file,
             "--users", users, "--require-auth", "--ledger", self.ledger_file, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        ready = self.process.stdout.readline().split()
        if not ready or ready[0] != "ready":
            raise RuntimeError("the sink did not start")
        ports = dict(word.split("=") for word in ready[1:])
        self.port, self.lmtp_port, self.control_port = (int(ports[name]) for name in ("smtps", "lmtps", "control"))

    def stop(self):
        self.process.communicate()
        shutil.rmtree(self.directory)
        if self.process.returncode != 0:
            raise RuntimeError(f"the sink ended with {self.process.returncode}")

    def control(self, line):
        with socket.create_connection(("127.0.0.1", self.control_port)) as control:
            control.sendall((line if isinstance(line, bytes) else line.encode()) + b"\n")
            with control.makefile(encoding="utf-8") as answers:
                return answers.readline().rstrip("\n")

    def set(self, line):
        answer = self.control(line)
        if answer != "ok":
            raise RuntimeError(f"{line}: {answer}")

    def stats(self):
        return json.loads(self.control("stats"))

    def ledger(self):
        """By reverse-path: each test message has its own."""
        with open(self.ledger_file, encoding="utf-8") as file:
            entries = [json.loads(line) for line in file]
        by_sender = {entry["from"]: entry for entry in entries}
        assert len(by_sender) == len(entries), "a message was delivered twice"
        return by_sender
