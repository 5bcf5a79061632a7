# SPDX-License-Identifier: MIT
"""Every fault at every place where a client can meet it."""
import ssl
import time

from harness import SinkCase

STEPS = {"ehlo": "EHLO x", "mail": "MAIL FROM:<a@b>", "rcpt": "RCPT TO:<c@d>", "data": "DATA", "rset": "RSET",
         "noop": "NOOP", "vrfy": "VRFY x", "expn": "EXPN x", "help": "HELP", "quit": "QUIT"}


class FaultTest(SinkCase):
    def walk(self, client, place):
        """Leads the dialogue up to the place, and says there what is to be answered by the fault."""
        if place in ("connect", "greeting"):
            return client
        client.reply()
        lead = {"mail": ["ehlo"], "rset": ["ehlo"], "noop": ["ehlo"], "vrfy": ["ehlo"],
                "expn": ["ehlo"], "help": ["ehlo"], "quit": ["ehlo"], "rcpt": ["ehlo", "mail"],
                "data": ["ehlo", "mail", "rcpt"], "bdat": ["ehlo", "mail", "rcpt"]}
        for step in lead.get(place, ["ehlo", "mail", "rcpt", "data"] if place in ("body", "final", "accepted") else []):
            client.say(STEPS[step])
        if place == "bdat":
            client.send("BDAT 3 LAST\r\nabc")
        elif place == "body":
            client.send("x")
        elif place in ("final", "accepted"):
            client.send("x\r\n.\r\n")
        else:
            client.send(STEPS[place] + "\r\n")
        return client

    PLACES = ["connect", "greeting", "ehlo", "mail", "rcpt", "data", "bdat", "body", "final", "accepted", "rset", "noop",
              "vrfy", "expn", "help", "quit"]

    def at_each_place(self, what):
        """Yields each place, and a function that leads a new client there."""
        self.start("--ledger", self.path("ledger"))
        for place in self.PLACES:
            with self.subTest(place=place):
                self.assertEqual(self.control("clear fault", f"set fault {place}={what}"), ["ok", "ok"])
                yield place, lambda: self.walk(self.client(), place)
        self.assertEqual(self.control("clear fault"), "ok")
        self.assertEqual(len(self.ledger()), 1)  # by "accepted" alone
        self.greeted()

    def test_closes(self):
        for _, meet in self.at_each_place("close"):
            self.assertEqual(meet().rest(), b"")

    def test_closes_without_reset_while_the_client_still_writes(self):
        self.start("--fault", "body=close")
        client = self.greeted()
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA")
        client.send(b"x" * 1000000)
        self.assertEqual(client.rest(), b"")

    def test_resets(self):
        for _, meet in self.at_each_place("reset"):
            with self.assertRaises(ConnectionResetError):  # at "connect" by the first call that notices
                meet().rest()

    def test_stalls(self):
        for _, meet in self.at_each_place("stall"):
            client = meet()
            self.assertTrue(client.is_silent(0.1))
            client.send("NOOP\r\n")
            self.assertTrue(client.is_silent(0.1))

    def test_sends_garbage(self):
        for place, meet in self.at_each_place("garbage"):
            client = meet()
            line = client.line()
            self.assertEqual(len(line), 66)
            self.assertFalse(line[:3].isdigit())
            if place == "body":
                client.send("\r\n.\r\n")
                self.assertEqual(client.reply()[:3], "250")
                with open(self.path("ledger"), "w", encoding="utf-8"):
                    pass  # the message was sent in spite of the garbage, and taken

    def test_says_421_and_closes(self):
        for _, meet in self.at_each_place("421"):
            self.assertEqual(meet().rest(), b"421 4.3.2 fault\r\n")

    def test_says_any_reply_and_the_command_has_no_effect(self):
        for place, meet in self.at_each_place("451 4.3.0 try later"):
            client = meet()
            self.assertEqual(client.reply(), "451 4.3.0 try later")
            if place == "connect":
                self.assertEqual(client.rest(), b"")
                continue
            if place == "body":
                client.send("rest\r\n.\r\n")
            if place in ("data", "bdat"):
                self.assertEqual(client.say("RSET")[:3], "250")
            if place == "rset":
                continue
            self.control("clear fault")
            want = "503" if place in ("greeting", "ehlo", "rcpt") else "250"
            self.assertEqual(client.say("MAIL FROM:<a@b>")[:3], want)

    def test_drips_replies(self):
        self.start("--fault", "noop=drip", "--fault", "ehlo#2=drip")
        client = self.greeted()
        begun = time.monotonic()
        client.send("RSET\r\nNOOP\r\nRSET\r\n")
        self.assertEqual(client.reply()[:3], "250")
        self.assertEqual(client.reply(), "250 2.0.0 OK")
        self.assertGreater(time.monotonic() - begun, 0.5)
        self.assertEqual(client.reply()[:3], "250")

    def test_counts_the_occurrences_of_the_whole_process(self):
        self.start("--fault", "mail#2=450 4.0.0 second", "--fault", "mail#3=close")
        first, second = self.greeted(), self.greeted()
        self.assertEqual(first.say("MAIL FROM:<a@b>")[:3], "250")
        self.assertEqual(second.say("MAIL FROM:<a@b>"), "450 4.0.0 second")
        second.send("MAIL FROM:<a@b>\r\n")
        self.assertEqual(second.rest(), b"")
        self.assertEqual(first.say("RSET", "MAIL FROM:<a@b>")[1][:3], "250")

    def test_answers_what_came_before_in_the_flight(self):
        self.start("--fault", "rcpt#3=close")
        client = self.greeted()
        client.send("MAIL FROM:<a@b>\r\n" + "RCPT TO:<c@d>\r\n" * 5)
        self.assertEqual(client.rest().count(b"\r\n"), 3)

    def test_refuses_everything_behind_a_greeting_that_refuses(self):
        self.start("--fault", "greeting=554 5.3.2 no service")
        client = self.client()
        self.assertEqual(client.reply(), "554 5.3.2 no service")
        self.assertEqual(client.say("EHLO x")[:3], "503")
        self.assertEqual(client.say("QUIT")[:3], "221")

    def test_fails_authentication(self):
        self.start("--users", self.write("users", "u:p\n"), "--auth-without-tls", "--fault", "auth#1=454 4.7.0 later")
        client = self.greeted()
        self.assertEqual(client.say("AUTH PLAIN AHUAcA=="), "454 4.7.0 later")
        self.assertEqual(client.say("AUTH PLAIN AHUAcA==")[:3], "235")

    def test_fails_starttls(self):
        self.start_tls("--fault", "starttls#1=454 4.7.0 not now", "--fault", "starttls#2=421")
        client = self.greeted()
        self.assertEqual(client.say("STARTTLS"), "454 4.7.0 not now")
        client.send("STARTTLS\r\n")
        self.assertEqual(client.rest(), b"421 4.3.2 fault\r\n")

    def test_fails_handshakes(self):
        self.start_tls()
        for what in ("close", "reset", "garbage", "421", "454 4.7.0 no"):
            for port in ("smtp", "smtps"):
                with self.subTest(what=what, port=port):
                    self.control(f"set fault handshake={what}")
                    client = self.client(port=port)
                    if port == "smtp":
                        client.reply(), client.say("EHLO x"), client.say("STARTTLS")
                    with self.assertRaises((ssl.SSLError, ConnectionResetError, EOFError)):
                        client.start_tls(self.context)
                    self.control("clear fault")
        self.greeted(port="smtps", context=self.context)

    def test_stalls_in_the_handshake(self):
        self.start_tls("--fault", "handshake#1=stall")
        client = self.client(port="smtps")
        client.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            client.start_tls(self.context)

    def test_drips_in_the_handshake(self):
        self.start_tls("--fault", "handshake#1=drip")
        client = self.client(port="smtps")
        client.socket.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            client.start_tls(self.context)
        client.close()
        self.greeted(port="smtps", context=self.context)

    def test_closes_tls_without_farewell(self):
        self.start_tls("--fault", "noop=close")
        client = self.greeted(port="smtps", context=self.context)
        client.send("NOOP\r\n")
        with self.assertRaises(ssl.SSLError):
            client.rest()

    def test_forgets_stalled_connections_whose_client_is_gone(self):
        self.start("--fault", "noop=stall")
        client = self.greeted()
        client.send("NOOP\r\n")
        self.assertTrue(client.is_silent(0.1))
        client.close()
        deadline = time.monotonic() + 10
        while self.stats()["open_connections"] > 0:
            self.assertLess(time.monotonic(), deadline)
