#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""aiosmtpd_server.py DIR PKI USER PASSWORD: aiosmtpd with STARTTLS and with implicit TLS, both with AUTH required.

Each message becomes DIR/mail/N.eml, byte for byte, and DIR/mail/N.json: {"from", "params", "recipients": [{"address",
"params"}]}.  The listeners are where the kernel likes and said in DIR/ports; the log, with every command, is on stderr.
"""
import asyncio
import itertools
import json
import logging
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

directory, pki, user, password = sys.argv[1:]
numbers = itertools.count(1)
SENDERS = {"reject": "550 5.7.1 Sender rejected", "later": "451 4.7.1 Try later"}
RECIPIENTS = {"nobody": "550 5.1.1 No such user here", "grey": "450 4.7.1 Greylisted, try again later",
              "full": "452 4.2.2 Mailbox full", "huge": "552 5.2.2 Quota exceeded"}


def parameters(options):
    return dict((word + "=").split("=")[:2] for word in options)


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return responses[:-1] + ["250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_MAIL(self, server, session, envelope, address, options):
        refusal = SENDERS.get(address.split("@")[0])
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 2.1.0 Ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        refusal = RECIPIENTS.get(address.split("@")[0])
        if refusal is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.append(options)
        return refusal or "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        name = os.path.join(directory, "mail", str(next(numbers)))
        recipients = [{"address": address, "params": parameters(options)}
                      for address, options in zip(envelope.rcpt_tos, envelope.rcpt_options)]
        with open(name + ".json", "w") as file:
            json.dump({"from": envelope.mail_from, "params": parameters(envelope.mail_options),
                       "recipients": recipients}, file)
        with open(name + ".new", "wb") as file:
            file.write(envelope.original_content)
        os.rename(name + ".new", name + ".eml")
        return "250 2.0.0 Ok"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=good, handled=False)


async def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pki + "/server.crt", pki + "/server.key")
    common = dict(hostname="mail.example.test", data_size_limit=4194304, timeout=300, authenticator=authenticate,
                  auth_required=True)
    doors = [(dict(tls_context=tls, require_starttls=True), None), (dict(auth_require_tls=False), tls)]
    ports = []
    for options, implicit in doors:
        server = await asyncio.get_running_loop().create_server(
            lambda options=options: SMTP(Handler(), **common, **options), "127.0.0.1", 0, ssl=implicit)
        ports.append(server.sockets[0].getsockname()[1])
    with open(os.path.join(directory, "ports"), "w") as file:
        print(*ports, file=file)
    await asyncio.Event().wait()


asyncio.run(main())
