# SPDX-License-Identifier: MIT
"""LMTP: its listeners, its greeting, and a final reply for each recipient."""
import os
import subprocess

from harness import SinkCase


class LmtpTest(SinkCase):
    def open(self, *options):
        self.start("--lmtp", "0", "--ledger", self.path("ledger"), *options)
        return self.greeted(port="lmtp")

    def send(self, client, *recipients, by="DATA"):
        """One message to the recipients, all of whom are accepted at RCPT."""
        replies = client.say("MAIL FROM:<a@x>", *[f"RCPT TO:<{to}>" for to in recipients])
        self.assertEqual({reply[:3] for reply in replies}, {"250"})
        if by == "DATA":
            self.assertEqual(client.say("DATA")[:3], "354")
            client.send("hello\r\n.\r\n")
        else:
            client.send("BDAT 5\r\nhelloBDAT 2 LAST\r\n\r\n")
            self.assertEqual(client.reply(), "250 2.0.0 5 octets")

    def replies(self, client, count):
        """As many replies, and no more than those."""
        replies = [client.reply() for _ in range(count)]
        self.assertEqual(client.say("NOOP"), "250 2.0.0 OK")
        return replies

    def recipients(self):
        return [[to["address"] for to in entry["to"]] for entry in self.ledger()]

    def test_replies_once_for_each_recipient_in_order(self):
        client = self.open("--refuse-rcpt", "no@*=550 5.1.1 no", "--final-rcpt", "full@*=452 4.2.2 full",
                           "--final-rcpt", "gone@*=550 5.2.1 gone", "--final-rcpt", "well@*=250 2.1.5 well")
        for by in ("DATA", "BDAT"):
            self.send(client, "one@x", "full@x", "one@x", "gone@x", "well@x", by=by)
            replies = self.replies(client, 5)
            self.assertEqual([reply[:9] for reply in replies],
                             ["250 2.0.0", "452 4.2.2", "250 2.0.0", "550 5.2.1", "250 2.1.5"])
        self.assertEqual(self.recipients(), [["one@x", "one@x", "well@x"]] * 2)
        self.assertEqual([(entry["protocol"], entry["body"]) for entry in self.ledger()],
                         [("LMTP", "DATA"), ("LMTP", "BDAT")])
        client.say("MAIL FROM:<a@x>", "RCPT TO:<no@x>", "RCPT TO:<one@x>", "DATA")
        client.send(".\r\n")
        self.assertEqual(len(self.replies(client, 1)), 1)
        self.assertEqual(self.stats()["messages"], 3)

    def test_records_nothing_when_all_are_refused(self):
        client = self.open()
        self.assertEqual(self.control("set final-rcpt *=550 5.2.1 gone"), "ok")
        self.send(client, "one@x", "two@x")
        self.assertEqual(self.replies(client, 2), ["550 5.2.1 gone"] * 2)
        self.assertEqual((self.ledger(), self.stats()["messages"]), ([], 0))
        self.assertEqual(self.control("clear final-rcpt"), "ok")
        self.send(client, "one@x", "two@x")
        self.assertEqual({reply[:3] for reply in self.replies(client, 2)}, {"250"})

    def test_refuses_for_all_by_sender_and_by_size(self):
        client = self.open("--final", "a@x=554 5.7.1 no", "--final-rcpt", "ok@*=250 2.1.5 yes", "--max-size", "10")
        self.send(client, "one@x", "ok@x", "two@x")
        self.assertEqual(self.replies(client, 3), ["554 5.7.1 no", "250 2.1.5 yes", "554 5.7.1 no"])
        self.control("set max-size 3")
        self.send(client, "one@x", "ok@x")
        self.assertEqual([reply[:9] for reply in self.replies(client, 2)], ["552 5.3.4"] * 2)
        self.assertEqual(self.recipients(), [["ok@x"]])

    def test_has_no_other_hello_and_smtp_not_this_one(self):
        self.start("--lmtp", "0")
        client = self.client(port="lmtp")
        self.assertEqual(client.reply(), "220 sink.example.test LMTP postel-sink")
        for command, code in [("EHLO x", "500"), ("HELO x", "500"), ("MAIL FROM:<a@x>", "503"), ("LHLO", "501"),
                              ("lhlo x", "250")]:
            self.assertEqual(client.say(command)[:3], code, command)
        smtp = self.client()
        smtp.reply()
        self.assertEqual(smtp.say("LHLO x")[:3], "500")

    def test_refuses_content_for_nobody_with_503(self):
        client = self.open()
        client.say("MAIL FROM:<a@x>")
        self.assertEqual(client.say("DATA")[:9], "503 5.5.1")
        client.send("BDAT 6 LAST\r\nQUIT\r\n")
        self.assertEqual([reply[:9] for reply in self.replies(client, 1)], ["503 5.5.1"])

    def test_answers_a_last_chunk_for_each_even_behind_a_refused_one(self):
        client = self.open("--fault", "bdat#1=451 4.3.0 no")
        client.say("MAIL FROM:<a@x>", "RCPT TO:<one@x>", "RCPT TO:<two@x>")
        client.send("BDAT 1\r\nxBDAT 1 LAST\r\ny")
        self.assertEqual([reply[:3] for reply in self.replies(client, 3)], ["451", "503", "503"])
        self.assertEqual(self.ledger(), [])

    def test_listens_in_every_way(self):
        self.start_tls("--lmtp", "0", "--lmtps", "0", "--lmtp-socket", self.path("l.sock"), "--smtp-socket",
                       self.path("s.sock"), "--ledger", self.path("ledger"))
        self.assertEqual(self.ports["lmtp-socket"], self.path("l.sock"))
        clients = [self.greeted(port="lmtp"), self.greeted(port="lmtps", context=self.context),
                   self.greeted(port="lmtp-socket"), self.greeted(port="smtp-socket")]
        for port, hello in (("lmtp", "LHLO"), ("lmtp-socket", "LHLO"), ("smtp-socket", "EHLO")):
            clients.append(self.greeted(port=port))
            self.assertEqual(clients[-1].say("STARTTLS")[:3], "220")
            clients[-1].start_tls(self.context)
            self.assertNotIn("STARTTLS", clients[-1].say(f"{hello} x"))
        for client in clients:
            self.assertEqual(self.deliver(client)[:3], "250")
        self.assertEqual([(entry["protocol"], entry["tls"]) for entry in self.ledger()],
                         [("LMTP", False), ("LMTP", True), ("LMTP", False), ("SMTP", False), ("LMTP", True),
                          ("LMTP", True), ("SMTP", True)])

    def test_any_listener_suffices_and_sockets_do_not_stay(self):
        path = self.path("l.sock")
        for end, stays in (("kill", True), ("terminate", False)):  # the second start finds what the first left
            process = subprocess.Popen([self.program, "--lmtp-socket", path], stdout=subprocess.PIPE, text=True)
            self.assertEqual(process.stdout.readline(), f"ready lmtp-socket={path}\n")
            getattr(process, end)()
            process.communicate(timeout=30)
            self.assertEqual(os.path.exists(path), stays)
        self.assertEqual(process.returncode, 0)

    def test_removes_nothing_but_sockets(self):
        done = subprocess.run([self.program, "--lmtp-socket", self.write("file", "x")], capture_output=True, text=True,
                              check=False, timeout=30)
        self.assertEqual(done.returncode, 69)
        self.assertTrue(os.path.exists(self.path("file")))
        for path in ("x" * 108, "a b"):
            done = subprocess.run([self.program, "--smtp-socket", path], capture_output=True, check=False, timeout=30)
            self.assertEqual(done.returncode, 64)

    def test_has_faults_for_all_recipients(self):
        client = self.open("--fault", "final#2=451 4.3.0 later", "--fault", "accepted#2=452 4.3.1 lost")
        for want in ("250", "451", "452"):
            self.send(client, "one@x", "two@x", "three@x")
            self.assertEqual([reply[:3] for reply in self.replies(client, 3)], [want] * 3)
        self.assertEqual(self.recipients(), [["one@x", "two@x", "three@x"]] * 2)
        self.assertEqual(self.control("set fault final=421"), "ok")
        self.send(client, "one@x", "two@x")
        self.assertEqual(client.rest(), b"421 4.3.2 fault\r\n")

    def test_has_faults_at_each_final_reply(self):
        client = self.open("--fault", "final-rcpt#2=451 4.3.0 later", "--fault", "final-rcpt#6=close",
                           "--fault", "final-rcpt#4=250 2.1.5 as you like")
        self.send(client, "one@x", "two@x", "three@x")
        self.assertEqual([reply[:3] for reply in self.replies(client, 3)], ["250", "451", "250"])
        self.send(client, "one@x", "two@x")
        self.assertEqual(self.replies(client, 2), ["250 2.1.5 as you like", "250 2.0.0 OK queued as 00000002"])
        self.send(client, "one@x", "two@x", "three@x")
        self.assertEqual(client.rest(), b"")
        self.assertEqual(self.recipients(), [["one@x", "three@x"], ["one@x", "two@x"]])

    def test_closes_behind_the_first_of_three_final_replies(self):
        client = self.open("--fault", "final-rcpt#2=close")
        self.send(client, "one@x", "two@x", "three@x")
        self.assertEqual(client.rest().count(b"\r\n"), 1)
        self.assertEqual(self.recipients(), [["one@x"]])

    def test_counts_no_final_reply_of_smtp(self):
        self.start("--fault", "final-rcpt=close", "--final-rcpt", "*=550 5.2.1 gone")
        self.assertEqual(self.deliver(self.greeted())[:3], "250")
