# SPDX-License-Identifier: MIT
"""Commands, their order and their syntax; extensions and their parameters."""
import smtplib

from harness import SinkCase


class DialogueTest(SinkCase):
    def test_says_the_whole_dialogue(self):
        self.start()
        client = self.client()
        for command, want in [
                (None, "220 sink.example.test ESMTP postel-sink"),
                ("MAIL FROM:<a@b>", "503 5.5.1 "), ("AUTH PLAIN", "503 5.5.1 "), ("EHLO", "501 5.5.4 "),
                ("HELO x.example", "250 sink.example.test"),
                ("NOOP anything", "250 2.0.0 "), ("noop", "250 2.0.0 "), ("VRFY x", "252 2.1.5 "), ("HELP", "214-2.0.0 "),
                ("FOO", "500 5.5.2 "), ("", "500 5.5.2 "), ("RSET x", "501 5.5.4 "), ("EXPN x", "252 2.1.5 "),
                ("DATA", "503 5.5.1 "), ("RCPT TO:<a@b>", "503 5.5.1 "), ("STARTTLS", "502 5.5.1 "),
                ("mail from:<>", "250 2.1.0 "), ("MAIL FROM:<a@b>", "503 5.5.1 "),
                ("DATA", "554 5.5.1 "), ("Rcpt To:<a@b>", "250 2.1.5 "), ("RSET", "250 2.0.0 "), ("DATA", "503 5.5.1 "),
                ("QUIT", "221 2.0.0 ")]:
            reply = client.say(command) if command is not None else client.reply()
            self.assertEqual(reply[:len(want)], want, command)
        self.assertEqual(client.rest(), b"")

    def test_judges_the_syntax_of_addresses_and_parameters(self):
        self.start()
        client = self.greeted()
        for arguments, code in [
                ("FROM:a@b", "501"), ("FROM: <a@b>", "501"), ("FROM:<a@b", "501"), ("FROM:<a@b>x", "501"),
                ("FROM:<a b@c>", "501"), ("FROM:<a<b@c>", "501"), ('FROM:<"a b\\">"@c>', "250"),
                ("FROM:<a@b> ", "250"), ("FROM:<a@b>  SIZE=1", "501"), ("FROM:<a@b> SIZE", "501"),
                ("FROM:<a@b> =1", "501"), ("FROM:<a@b> SIZE=", "501"), ("FROM:<a@b> SIZE=1=2", "501"),
                ("FROM:<a@b> SIZE=1 size=2", "501"), ("FROM:<a@b> SIZE=x", "501"), ("FROM:<a@b> NOPE=1", "555"),
                ("FROM:<a@b> NOTIFY=NEVER", "555"), ("FROM:<a@b> BODY=9BIT", "501"), ("FROM:<a@b> BODY=binarymime", "250"), ("FROM:<a@b> RET=ALL", "501"),
                ("FROM:<a@b> ENVID=a+0", "501"), ("FROM:<a@b> ENVID=" + "x" * 101, "501"),
                ("FROM:<a@b> SMTPUTF8=1", "501"), ("FROM:<\u00e9@b>", "553"), ("FROM:<\u00e9@b> SMTPUTF8", "250"),
                ("FROM:<a@b> SIZE=5 BODY=8bitmime RET=HDRS ENVID=x+2By SMTPUTF8", "250")]:
            self.assertEqual(client.say("MAIL " + arguments)[:3], code, arguments)
            client.say("RSET")
        client.say("MAIL FROM:<a@b>")
        for arguments, code in [
                ("TO:<>", "501"), ("TO:<\u00e9@b>", "553"), ("TO:<a@b> SIZE=1", "555"),
                ("TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+40b", "250"), ("TO:<a@b> NOTIFY=NEVER,DELAY", "501"),
                ("TO:<a@b> NOTIFY=", "501"), ("TO:<a@b> ORCPT=a@b", "501"), ("TO:<Postmaster>", "250")]:
            self.assertEqual(client.say("RCPT " + arguments)[:3], code, arguments)
        stats = self.stats()
        self.assertEqual((stats["recipients_accepted"], stats["recipients_refused"]), (2, 6))

    def test_takes_only_crlf_for_a_line_end(self):
        self.start()
        client = self.greeted()
        client.send(b"NOOP\nNOOP\r\n")
        self.assertEqual(client.reply()[:9], "500 5.5.2")
        client.send(b"NOOP \0\r\n")
        self.assertEqual(client.reply()[:9], "500 5.5.2")
        client.send(b"NOOP\rNOOP\r\nNOOP\r\n")
        self.assertEqual([client.reply()[:3], client.reply()[:3]], ["500", "250"])

    def test_refuses_lines_over_4096_octets_and_goes_on(self):
        self.start()
        client = self.greeted()
        self.assertEqual(client.say("NOOP " + "x" * (4096 - 7))[:3], "250")
        self.assertEqual(client.say("NOOP " + "x" * (4096 - 6))[:9], "500 5.5.6")
        self.assertEqual(client.say("NOOP " + "x" * 300000, "NOOP")[1][:3], "250")

    def test_takes_commands_octet_by_octet(self):
        self.start()
        client = self.greeted()
        for octet in b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..x\r\n.\r\nQUIT\r\n":
            client.send(bytes([octet]))
        self.assertEqual([client.reply()[:3] for _ in range(5)], ["250", "250", "354", "250", "221"])

    def test_answers_a_flight_in_one_go_and_counts_it_as_one_round_trip(self):
        self.start()
        client = self.greeted()
        before = self.stats()["round_trips"]
        replies = client.say("MAIL FROM:<a@b>", *["RCPT TO:<c@d>"] * 50, "DATA")
        self.assertEqual([reply[:3] for reply in replies], ["250"] * 51 + ["354"])
        client.send("x\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n")
        self.assertEqual([client.reply()[:3] for _ in range(3)], ["250"] * 3)
        self.assertEqual(self.stats()["round_trips"] - before, 2)

    def test_is_understood_by_smtplib(self):
        self.start("--ledger", self.path("ledger"))
        with smtplib.SMTP("127.0.0.1", self.ports["smtp"], timeout=30) as server:
            refused = server.sendmail("a@example.org", ["b@example.org", "c@example.org"], "Subject: x\n\n.dot\n")
        self.assertEqual(refused, {})
        self.assertEqual(len(self.ledger()[0]["to"]), 2)


class ExtensionTest(SinkCase):
    def test_offers_what_it_has(self):
        self.start()
        self.assertEqual(self.offered(), ["PIPELINING", "SIZE", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING",
                                          "BINARYMIME", "ENHANCEDSTATUSCODES"])

    def test_offers_the_rest_with_certificate_and_users(self):
        users = self.write("users", "u:p\n")
        self.start_tls("--users", users, "--max-size", "1000", "--ehlo-line", "X-ONE a", "--ehlo-line", "X-TWO")
        self.assertEqual(self.offered()[-3:], ["STARTTLS", "X-ONE a", "X-TWO"])
        self.assertIn("SIZE 1000", self.offered())
        secure = self.offered(port="smtps", context=self.context)
        self.assertIn("AUTH PLAIN LOGIN", secure)
        self.assertNotIn("STARTTLS", secure)

    def offered(self, **arguments):
        client = self.client(**arguments)
        client.reply()
        return [line[4:] for line in client.say("EHLO x").split("\n")[1:]]

    def test_neither_offers_nor_accepts_what_it_is_without(self):
        for extension, arguments in [("SIZE", "SIZE=1"), ("8BITMIME", "BODY=7BIT"), ("DSN", "RET=FULL"),
                                     ("SMTPUTF8", "SMTPUTF8")]:
            self.start("--without", extension)
            client = self.greeted()
            self.assertNotIn(extension, self.offered())
            self.assertEqual(client.say("MAIL FROM:<a@b> " + arguments)[:9], "555 5.5.4", extension)
            self.stop()

    def test_without_ehlo_leaves_helo_and_no_extension(self):
        self.start("--without", "EHLO")
        client = self.client()
        client.reply()
        self.assertEqual(client.say("EHLO x")[:3], "502")
        self.assertEqual(client.say("HELO x"), "250 sink.example.test")
        self.assertEqual(client.say("MAIL FROM:<a@b> SIZE=1")[:3], "555")
        self.assertEqual(client.say("BDAT 0 LAST")[:3], "500")

    def test_without_pipelining_refuses_what_comes_too_early(self):
        self.start("--without", "PIPELINING")
        client = self.greeted()
        self.assertEqual([reply[:3] for reply in client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>")], ["250", "503"])
        self.assertEqual(client.say("RCPT TO:<c@d>")[:3], "250")

    def test_without_enhanced_codes_drops_them(self):
        self.start("--without", "enhancedstatuscodes", "--refuse-rcpt", "x@*=550 5.1.1 no")
        client = self.greeted()
        self.assertEqual(client.say("MAIL FROM:<a@b>"), "250 Sender OK")
        self.assertEqual(client.say("RCPT TO:<x@b>"), "550 5.1.1 no")
        self.assertEqual(client.say("FOO"), "500 Command not known")
        self.assertEqual(client.say("HELP").split("\n")[1], "214 Its commands are those of RFC 5321")

    def test_without_starttls_has_none(self):
        self.start_tls("--without", "STARTTLS")
        client = self.greeted()
        self.assertNotIn("STARTTLS", self.offered())
        self.assertEqual(client.say("STARTTLS")[:3], "502")
