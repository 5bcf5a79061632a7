# SPDX-License-Identifier: MIT
"""Configured replies, delay, long replies; limits."""
import socket
import time

from harness import SinkCase


class BehaviourTest(SinkCase):
    def test_refuses_by_pattern_with_any_reply(self):
        self.start("--refuse-rcpt", "a=b@*=550 5.1.1 No such user", "--refuse-rcpt", "*@later.example=450",
                   "--refuse-rcpt", "moved@*=251 2.1.5 Will forward", "--refuse-rcpt", "moved@*=550 never",
                   "--refuse-mail", "spam@*=554 5.7.1 No = no")
        client = self.greeted()
        self.assertEqual(client.say("MAIL FROM:<spam@x>"), "554 5.7.1 No = no")
        self.assertEqual(client.say("MAIL FROM:<a=b@x>")[:3], "250")
        self.assertEqual(client.say("RCPT TO:<a=b@x>"), "550 5.1.1 No such user")
        self.assertEqual(client.say("RCPT TO:<x@later.example>"), "450")
        self.assertEqual(client.say("RCPT TO:<moved@x>"), "251 2.1.5 Will forward")
        stats = self.stats()
        self.assertEqual((stats["recipients_accepted"], stats["recipients_refused"]), (1, 2))

    def test_replies_finally_as_configured(self):
        self.start("--final", "bad@*=452 4.2.2 full", "--final", "good@*=250 2.6.0 done")
        client = self.greeted()
        self.assertEqual(self.deliver(client, sender="bad@x"), "452 4.2.2 full")
        self.assertEqual(self.deliver(client, sender="good@x"), "250 2.6.0 done")
        self.assertEqual(self.stats()["messages"], 1)

    def test_replies_to_data_as_configured(self):
        self.start("--data-reply", "451 4.3.0 not now")
        client = self.greeted()
        self.assertEqual(client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA")[2], "451 4.3.0 not now")
        self.assertEqual(self.control("set data-reply 354 go"), "ok")
        client.say("RSET")
        self.assertEqual(self.deliver(client)[:3], "250")

    def test_pads_replies_in_lines_of_at_most_400_octets(self):
        self.start("--reply-text", "1000", "--refuse-rcpt", "no@*=550 5.1.1 no")
        client = self.greeted()
        replies = client.say("MAIL FROM:<a@b>", "RCPT TO:<no@d>", "RCPT TO:<c@d>")
        self.assertEqual(client.say("DATA"), "354 End with <CRLF>.<CRLF>")
        client.send(".\r\n")
        replies.append(client.reply())
        for reply, start in zip(replies, ("250-2.1.0 ", "550-5.1.1 ", "250-2.1.5 ", "250-2.0.0 "), strict=True):
            lines = reply.split("\n")
            self.assertTrue(all(line.startswith(start) and len(line) + 2 <= 400 for line in lines[:-1]), lines)
            self.assertEqual(sum(line.count("x", len(start)) for line in lines[:-1]), 1000)
            self.assertTrue(lines[-1].startswith(start.replace("-", " ")))

    def test_holds_replies_back_but_not_other_connections(self):
        self.start("--reply-delay-ms", "1000")
        slow, other = self.client(), self.client()
        slow.reply(), other.reply()
        begun = time.monotonic()
        slow.send("EHLO x\r\n")
        other.send("EHLO x\r\n")
        slow.reply(), other.reply()
        first = time.monotonic() - begun
        slow.say("MAIL FROM:<a@b>", *["RCPT TO:<c@d>"] * 20, "DATA")
        second = time.monotonic() - begun
        self.assertTrue(1.0 <= first < second - 0.99, (first, second))
        self.assertEqual(self.control("clear reply-delay-ms"), "ok")
        begun = time.monotonic()
        slow.send(".\r\n")
        slow.reply()
        self.assertLess(time.monotonic() - begun, 1.0)

    def test_delays_flights_that_overlap_each_by_itself(self):
        self.start("--reply-delay-ms", "1500")
        client = self.greeted()
        begun = time.monotonic()
        for _ in range(4):
            client.send("NOOP\r\n")
            time.sleep(0.05)
        for _ in range(4):
            client.reply()
        self.assertLess(time.monotonic() - begun, 4 * 1.5)  # as one after the other would be

    def test_waits_for_a_client_that_does_not_read(self):
        self.start("--socket-buffer", "4096", "--reply-text", "2000")
        client = self.greeted()
        count = 2000
        flight = ("MAIL FROM:<a@b>\r\n" + "RCPT TO:<c@d>\r\n" * count).encode()
        client.socket.setblocking(False)
        sent = 0
        try:
            while sent < len(flight):
                sent += client.socket.send(flight[sent:])
                time.sleep(0.001)
        except BlockingIOError:
            pass
        client.socket.settimeout(30)
        self.assertLess(self.stats()["recipients_accepted"], count)
        replies = 0
        while replies < count + 1:
            if sent < len(flight):
                client.socket.setblocking(False)
                try:
                    sent += client.socket.send(flight[sent:])
                except BlockingIOError:
                    pass
                client.socket.settimeout(30)
            replies += client.socket.recv(65536).count(b"K")  # each ends with OK, and has no other K
        self.assertEqual(self.stats()["recipients_accepted"], count)

    def test_sets_socket_buffers(self):
        self.start("--socket-buffer", "4096")
        client = self.client()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.reply()
        self.assertEqual(client.say("EHLO x")[:3], "250")


class LimitsTest(SinkCase):
    def test_limits_size_at_mail_and_behind_the_body(self):
        self.start("--max-size", "10")
        client = self.greeted()
        self.assertEqual(client.say("MAIL FROM:<a@b> SIZE=11")[:9], "552 5.3.4")
        self.assertEqual(client.say("MAIL FROM:<a@b> SIZE=99999999999999999999")[:9], "552 5.3.4")
        client.say("MAIL FROM:<a@b> SIZE=10", "RCPT TO:<c@d>", "DATA")
        client.send("12345678\r\n.\r\n")
        self.assertEqual(client.reply()[:3], "250")
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA")
        client.send("123456789\r\n.\r\n")
        self.assertEqual(client.reply()[:9], "552 5.3.4")
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        client.send("BDAT 11\r\n12345678901BDAT 1 LAST\r\nx")
        self.assertEqual([client.reply()[:3], client.reply()[:3]], ["552", "503"])
        self.assertEqual(self.stats()["messages"], 1)

    def test_limits_recipients(self):
        self.start("--max-recipients", "2")
        client = self.greeted()
        replies = client.say("MAIL FROM:<a@b>", *["RCPT TO:<c@d>"] * 4)
        self.assertEqual([reply[:9] for reply in replies[1:]], ["250 2.1.5"] * 2 + ["452 4.5.3"] * 2)

    def test_replies_to_recipients_too_many_as_configured(self):
        self.start("--max-recipients", "1", "--max-recipients-reply", "552 5.5.3 too many", "--without",
                   "ENHANCEDSTATUSCODES")
        client = self.greeted()
        self.assertNotIn("LIMITS", client.say("EHLO x"))
        self.assertEqual(client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "RCPT TO:<c@d>")[2], "552 5.5.3 too many")
        self.assertEqual(self.control("clear max-recipients-reply"), "ok")
        self.assertEqual(client.say("RCPT TO:<c@d>"), "452 Too many recipients")
        self.assertEqual(self.control("clear without"), "ok")
        self.assertEqual(client.say("RCPT TO:<c@d>"), "452 4.5.3 Too many recipients")

    def limits(self, text):
        self.start("--limits", text)
        client = self.client()
        client.reply()
        self.assertIn(f"LIMITS {text}", [line[4:] for line in client.say("EHLO x").split("\n")])
        return client

    def test_announces_and_enforces_transactions(self):
        client = self.limits("MAILMAX=3 FOO=x")
        replies = client.say("MAIL FROM:<a@b>", "MAIL FROM:<a@b>", "RSET", "MAIL FROM:<a@b>")
        self.assertEqual([reply[:3] for reply in replies], ["250", "503", "250", "250"])
        client.send("MAIL FROM:<a@b>\r\n")
        self.assertEqual(client.rest()[:9], b"421 4.5.3")
        self.assertEqual(self.greeted().say("MAIL FROM:<a@b>")[:3], "250")

    def test_announces_and_enforces_recipients_and_domains(self):
        client = self.limits("RCPTMAX=4 RCPTDOMAINMAX=2")
        for _ in range(2):
            replies = client.say("MAIL FROM:<a@b>", *[f"RCPT TO:<{to}>" for to in ("a@x", "b@X", "a@y", "a@z", "c@x", "c@y")],
                                 "RSET")
            self.assertEqual([reply[:3] for reply in replies[1:-1]], ["250", "250", "250", "452", "250", "452"])
            self.assertEqual(replies[4], "452 4.5.3 Too many domains")
            self.assertEqual(replies[6], "452 4.5.3 Too many recipients")
        self.assertEqual(self.control("set limits RCPTMAX=1"), "ok")
        self.assertEqual([r[:3] for r in client.say("MAIL FROM:<a@b>", "RCPT TO:<a@x>", "RCPT TO:<a@x>")],
                         ["250", "250", "452"])
        self.assertEqual(self.control("clear limits"), "ok")
        self.assertNotIn("LIMITS", client.say("EHLO x"))

    def test_says_what_is_wrong_with_limits(self):
        self.start()
        for text in ("MAILMAX", "MAILMAX=", "MAILMAX=0", "MAILMAX=1000000", "RCPTMAX=x", "RCPTMAX=1  MAILMAX=1", "=1"):
            self.assertRegex(self.control("set limits " + text), "^error .", text)

    def test_limits_messages_on_a_connection(self):
        self.start("--max-messages", "2")
        client = self.greeted()
        self.deliver(client), self.deliver(client)
        self.assertEqual(client.say("MAIL FROM:<a@b>")[:9], "421 4.7.0")
        self.assertEqual(client.rest(), b"")
        self.deliver(self.greeted())

    def test_limits_connections(self):
        self.start("--max-connections", "2")
        one = self.greeted()
        self.greeted()
        refused = self.client()
        self.assertEqual(refused.reply()[:9], "421 4.3.2")
        self.assertEqual(refused.rest(), b"")
        self.assertEqual(one.say("QUIT")[:3], "221")
        one.rest()
        self.greeted()
        stats = self.stats()
        self.assertEqual((stats["connections"], stats["open_connections"], stats["peak_connections"]), (4, 2, 2))

    def test_ends_idle_connections(self):
        self.start_tls("--idle-timeout-ms", "400")
        plain, secure = self.greeted(), self.greeted(port="smtps", context=self.context)
        silent = self.client(port="smtps")
        begun = time.monotonic()
        while time.monotonic() - begun < 0.8:
            self.assertEqual(plain.say("NOOP")[:3], "250")
        self.assertEqual(secure.reply()[:9], "421 4.4.2")
        self.assertEqual(secure.rest(), b"")
        self.assertEqual(silent.rest(), b"")
        plain.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA")
        plain.send("half a line")
        self.assertEqual(plain.reply()[:9], "421 4.4.2")
