#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""recorder.py DIR PORT: the next hop behind servers that relay, which shows what envelope reached it.

A small SMTP server with DSN and 8BITMIME.  Each message becomes DIR/mail/N.eml, byte for byte, and DIR/mail/N.json:
{"from", "params", "recipients": [{"address", "params"}]}.
"""
import itertools
import json
import os
import re
import socketserver
import sys

directory = sys.argv[1]
socketserver.ThreadingTCPServer.allow_reuse_address = True
numbers = itertools.count(1)


def parse(argument):
    """Splits "FROM:<a@b> KEY=VALUE KEY" into the address and a dictionary."""
    address, rest = re.fullmatch(r"(?:FROM|TO):<(.*?)>(.*)", argument, re.I).groups()
    return address, dict((word + "=").split("=")[:2] for word in rest.split())


class Session(socketserver.StreamRequestHandler):
    def reply(self, *lines):
        *more, last = lines
        self.wfile.write(b"".join(b"250-%s\r\n" % line.encode() for line in more) + last.encode() + b"\r\n")

    def handle(self):
        self.reply("220 recorder.example.test ESMTP")
        for line in self.rfile:
            verb, _, argument = line.decode("utf-8", "surrogateescape").rstrip("\r\n").partition(" ")
            getattr(self, "do_" + verb.lower(), self.do_unknown)(argument)
            if verb.upper() == "QUIT":
                return

    def do_ehlo(self, _):
        self.reply("recorder.example.test", "8BITMIME", "DSN", "250 ENHANCEDSTATUSCODES")

    def do_mail(self, argument):
        address, params = parse(argument)
        self.envelope = {"from": address, "params": params, "recipients": []}
        self.reply("250 2.1.0 Ok")

    def do_rcpt(self, argument):
        address, params = parse(argument)
        self.envelope["recipients"].append({"address": address, "params": params})
        self.reply("250 2.1.5 Ok")

    def do_data(self, _):
        self.reply("354 End data with <CR><LF>.<CR><LF>")
        lines = []
        for line in iter(self.rfile.readline, b".\r\n"):
            lines.append(line[1:] if line.startswith(b".") else line)
        name = os.path.join(directory, "mail", str(next(numbers)))
        with open(name + ".json", "w") as file:
            json.dump(self.envelope, file)
        with open(name + ".new", "wb") as file:
            file.write(b"".join(lines))
        os.rename(name + ".new", name + ".eml")
        self.reply("250 2.0.0 Ok")

    def do_rset(self, _):
        self.reply("250 2.0.0 Ok")

    def do_quit(self, _):
        self.reply("221 2.0.0 Bye")

    def do_unknown(self, _):
        self.reply("502 5.5.2 Unknown")


socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[2])), Session).serve_forever()
