# SPDX-License-Identifier: MIT
"""What is written about an accepted message, and when."""
import hashlib

from harness import SinkCase


class LedgerTest(SinkCase):
    def test_tells_envelope_parameters_size_and_hash(self):
        self.start("--ledger", self.path("ledger"))
        client = self.greeted()
        client.say("MAIL FROM:<a@example.org> SIZE=22 bOdY=8BITMIME ENVID=q+2B1", "RCPT TO:<b@x.example> NOTIFY=NEVER",
                   "RCPT TO:<c@x.example>", "DATA")
        client.send("..\r\n.\r\n")
        client.reply()
        self.assertEqual(self.ledger(), [{
            "n": 1, "protocol": "SMTP", "session": 1, "tls": False, "user": None, "helo": "client.example", "from": "a@example.org",
            "mail_params": ["SIZE=22", "bOdY=8BITMIME", "ENVID=q+2B1"],
            "to": [{"address": "b@x.example", "params": ["NOTIFY=NEVER"]}, {"address": "c@x.example", "params": []}],
            "size": 3, "sha256": hashlib.sha256(b".\r\n").hexdigest(), "body": "DATA", "bare": False}])

    def test_escapes_every_octet(self):
        self.start("--ledger", self.path("ledger"))
        client = self.client()
        client.reply()
        name = bytes(octet for octet in range(1, 256) if octet not in b"\r\n ")
        client.send(b"EHLO " + name + "\u00e9\u20ac\U0001f600".encode() + b"\xed\xa0\x80\xc0\x80\r\n")
        client.reply()
        client.say('MAIL FROM:<"a\\"b"@\u00e9.example> SMTPUTF8', "RCPT TO:<\u20ac@x> ORCPT=utf-8;\u20ac@x", "DATA")
        client.send(".\r\n")
        self.assertEqual(client.reply()[:3], "250")
        entry, = self.ledger()
        self.assertEqual(entry["helo"], name.decode("latin-1") + "\u00e9\u20ac\U0001f600\u00ed\u00a0\u0080\u00c0\u0080")
        self.assertEqual(entry["from"], '"a\\"b"@\u00e9.example')
        self.assertEqual(entry["to"], [{"address": "\u20ac@x", "params": ["ORCPT=utf-8;\u20ac@x"]}])

    def test_holds_only_accepted_messages_and_recipients(self):
        self.start("--ledger", self.path("ledger"), "--refuse-rcpt", "no*=550 5.1.1 no", "--final", "bad@*=554 5.7.1 no")
        client = self.greeted()
        self.assertEqual(self.deliver(client, sender="bad@example.org")[:3], "554")
        client.say("MAIL FROM:<>", "RCPT TO:<yes@x>", "RCPT TO:<no@x> NOTIFY=NEVER", "RCPT TO:<yes2@x>", "DATA")
        client.send(".\r\n")
        client.reply()
        entry, = self.ledger()
        self.assertEqual(entry["from"], "")
        self.assertEqual([to["address"] for to in entry["to"]], ["yes@x", "yes2@x"])
        stats = self.stats()
        self.assertEqual((stats["messages"], stats["transactions"]), (1, 2))

    def test_is_there_before_the_reply(self):
        self.start("--ledger", self.path("ledger"), "--reply-delay-ms", "100")
        client = self.greeted()
        for number in range(1, 6):
            self.deliver(client)
            self.assertEqual(len(self.ledger()), number)

    def test_is_emptied_at_start(self):
        self.write("ledger", "old\n")
        self.start("--ledger", self.path("ledger"))
        self.assertEqual(self.ledger(), [])

    def test_agrees_with_many_clients_on_several_threads(self):
        self.start("--ledger", self.path("ledger"), "--threads", "4")
        clients = [self.greeted() for _ in range(16)]
        unit = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 4 LAST\r\nab\r\n"
        for client in clients:
            client.send(unit * 50)
        for client in clients:
            self.assertEqual({client.reply()[:3] for _ in range(150)}, {"250"})
        self.assertEqual(sorted(entry["n"] for entry in self.ledger()), list(range(1, 801)))
        self.assertEqual(self.stats()["messages"], 800)
