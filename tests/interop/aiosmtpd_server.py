#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""aiosmtpd_server.py DIR PKI USER PASSWORD MAX_BYTES STARTTLS SUBMISSIONS LMTP: aiosmtpd at three ports.

The first two want AUTH, after STARTTLS and with implicit TLS; LMTP takes everybody, in the clear.  Each message
becomes DIR/mail/N.eml, byte for byte, and DIR/mail/N.json: {"from", "params", "recipients": [{"address", "params"}]}.
DIR/ready says that all listen; the log, with every command, is on stderr.
"""
import asyncio
import itertools
import json
import logging
import os
import ssl
import sys

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

directory, pki, user, password, max_bytes, *PORTS = sys.argv[1:]
numbers = itertools.count(1)
SENDERS = {"reject": "550 5.7.1 Sender rejected", "later": "451 4.7.1 Try later"}
RECIPIENTS = {"nobody": "550 5.1.1 No such user here", "grey": "450 4.7.1 Greylisted, try again later",
              "full": "452 4.2.2 Mailbox full", "huge": "552 5.2.2 Quota exceeded"}
# LMTP answers for each recipient after the dot.
LMTP_RECIPIENTS = {"datafail": "554 5.6.0 Content refused", "datalater": "451 4.6.0 Content deferred"}


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
        answers = ["250 2.0.0 Ok"]
        if isinstance(server, LMTP):
            answers = [LMTP_RECIPIENTS.get(address.split("@")[0], answers[0]) for address in envelope.rcpt_tos]
        name = os.path.join(directory, "mail", str(next(numbers)))
        recipients = [{"address": address, "params": parameters(options)}
                      for address, options in zip(envelope.rcpt_tos, envelope.rcpt_options)
                      if address.split("@")[0] not in LMTP_RECIPIENTS]
        with open(name + ".json", "w") as file:
            json.dump({"from": envelope.mail_from, "params": parameters(envelope.mail_options),
                       "recipients": recipients}, file)
        with open(name + ".new", "wb") as file:
            file.write(envelope.original_content)
        os.rename(name + ".new", name + ".eml")
        return "\r\n".join(answers)


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=good, handled=False)


async def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pki + "/server.crt", pki + "/server.key")
    common = dict(hostname="mail.example.test", data_size_limit=int(max_bytes), timeout=300)
    login = dict(authenticator=authenticate, auth_required=True)
    doors = [(SMTP, dict(login, tls_context=tls, require_starttls=True), None),
             (SMTP, dict(login, auth_require_tls=False), tls), (LMTP, {}, None)]
    for port, (kind, options, implicit) in zip(PORTS, doors):
        await asyncio.get_running_loop().create_server(
            lambda kind=kind, options=options: kind(Handler(), **common, **options), "127.0.0.1", port, ssl=implicit)
    with open(os.path.join(directory, "ready"), "w"):
        pass
    await asyncio.Event().wait()


asyncio.run(main())
