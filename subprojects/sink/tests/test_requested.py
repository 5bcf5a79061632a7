# SPDX-License-Identifier: MIT
"""Extensions that are offered on request; VRFY, EXPN and HELP."""
from harness import SinkCase


class RequestedTest(SinkCase):
    def judge(self, client, cases):
        for parameters, want in cases:
            self.assertEqual(client.say("MAIL FROM:<a@b> " + parameters)[:len(want)], want, parameters)
            client.say("RSET")

    def test_offers_and_accepts_none_unless_asked(self):
        self.start_tls()
        client = self.greeted(port="smtps", context=self.context)
        for name in ("DELIVERBY", "FUTURERELEASE", "MT-PRIORITY", "REQUIRETLS", "LIMITS"):
            self.assertNotIn(name, client.say("EHLO x"))
        self.judge(client, [(parameter, "555 5.5.4") for parameter in
                            ("BY=9;R", "HOLDFOR=1", "HOLDUNTIL=2029-01-01T00:00:00Z", "MT-PRIORITY=1", "REQUIRETLS")])

    def test_offers_with_arguments_and_as_long_as_asked(self):
        self.start("--with", "DELIVERBY=240", "--with", "futurerelease=86400 2030-01-01T00:00:00Z", "--with",
                   "MT-PRIORITY")
        client = self.greeted()
        self.assertEqual([line[4:] for line in client.say("EHLO x").split("\n")[-3:]],
                         ["DELIVERBY 240", "FUTURERELEASE 86400 2030-01-01T00:00:00Z", "MT-PRIORITY"])
        self.assertEqual(self.control("set with MT-PRIORITY=MIXER", "set without DELIVERBY"), ["ok"] * 2)
        self.assertIn("250 MT-PRIORITY MIXER", client.say("EHLO x"))
        self.judge(client, [("BY=240;R", "555"), ("MT-PRIORITY=3", "250")])
        self.assertEqual(self.control("clear with", "clear without"), ["ok"] * 2)
        self.assertNotIn("MT-PRIORITY", client.say("EHLO x"))

    def test_judges_deliverby(self):
        self.start("--with", "DELIVERBY=240")
        self.judge(self.greeted(), [
            ("BY=240;R", "250"), ("BY=+999999999;rt", "250"), ("BY=-5;N", "250"), ("BY=0;NT", "250"), ("BY=1;N", "250"),
            ("BY=239;R", "555 5.5.4"), ("BY=0;R", "501 5.5.4"), ("BY=-240;R", "501 5.5.4"), ("BY", "501"), ("BY=240", "501"),
            ("BY=240;", "501"), ("BY=;R", "501"), ("BY=1234567890;R", "501"), ("BY=240;X", "501"), ("BY=240;RTT", "501"),
            ("BY=240;RX", "501"), ("BY=--1;N", "501")])

    def test_deliverby_needs_no_minimum(self):
        self.start("--with", "DELIVERBY")
        self.judge(self.greeted(), [("BY=1;R", "250"), ("BY=0;R", "501")])

    def test_judges_futurerelease(self):
        self.start("--with", "FUTURERELEASE=86400 2030-01-01T00:00:00Z")
        self.judge(self.greeted(), [
            ("HOLDFOR=86400", "250"), ("HOLDFOR=86401", "501 5.5.4"), ("HOLDFOR", "501"), ("HOLDFOR=-1", "501"),
            ("HOLDFOR=1234567890", "501"), ("HOLDUNTIL=2030-01-01T00:00:00Z", "250"), ("HOLDUNTIL=2029-02-28T23:59:59.5Z", "250"),
            ("HOLDUNTIL=2030-01-01T00:00:01Z", "501 5.5.4"), ("HOLDUNTIL=2029-02-29T00:00:00Z", "501"),
            ("HOLDUNTIL=2029-01-01T24:00:00Z", "501"), ("HOLDUNTIL=2029-01-01T00:00:00+01:00", "501"),
            ("HOLDUNTIL=2029-01-01", "501"), ("HOLDUNTIL", "501"), ("HOLDUNTIL=2029-01-01T00:00:00.Z", "501"),
            ("HOLDFOR=1 HOLDUNTIL=2029-01-01T00:00:00Z", "501 5.5.4"), ("HOLDFOR=1 HOLDFOR=1", "501"),
            ("HOLDFOR=1", "250")])

    def test_judges_priorities(self):
        self.start("--with", "MT-PRIORITY=MIXER")
        self.judge(self.greeted(), [("MT-PRIORITY=" + value, "250") for value in ("-9", "-1", "0", "9")])
        self.judge(self.greeted(), [("MT-PRIORITY=" + value, "501") for value in ("+1", "10", "-0", "00", "x", "-")])
        self.judge(self.greeted(), [("MT-PRIORITY", "501")])

    def test_requires_tls_within_tls_only(self):
        self.start_tls("--with", "REQUIRETLS")
        client = self.greeted()
        self.assertNotIn("REQUIRETLS", client.say("EHLO x"))
        self.judge(client, [("REQUIRETLS", "555")])
        client = self.greeted(port="smtps", context=self.context)
        self.assertIn("250 REQUIRETLS", client.say("EHLO x"))
        self.judge(client, [("REQUIRETLS", "250"), ("REQUIRETLS=1", "501")])


class VerifyTest(SinkCase):
    def test_answers_as_configured_in_any_number_of_lines(self):
        self.start("--vrfy", "jane*=250 2.1.5 Jane <jane@x>", "--vrfy", r"two=553 5.1.4 One\n5.1.4 Other", "--expn",
                   r"list@*=250 2.1.5 <a@x>\n2.1.5 <b@x>\n2.1.5 <c@x>")
        client = self.greeted()
        for command, want in [("VRFY jane", "250 2.1.5 Jane <jane@x>"), ("VRFY <jane@x>", "250 2.1.5 Jane <jane@x>"),
                              ("VRFY two", "553-5.1.4 One\n553 5.1.4 Other"),
                              ("EXPN list@x", "250-2.1.5 <a@x>\n250-2.1.5 <b@x>\n250 2.1.5 <c@x>"),
                              ("EXPN jane", "252 2.1.5 Not verified, try to send"),
                              ("HELP", "214-2.0.0 This server is for tests\n214 2.0.0 Its commands are those of RFC 5321")]:
            self.assertEqual(client.say(command), want)
        self.assertEqual(self.control("clear vrfy", "set expn jane=550 5.1.1 no list"), ["ok"] * 2)
        self.assertEqual([reply[:9] for reply in client.say("VRFY jane", "EXPN jane")], ["252 2.1.5", "550 5.1.1"])
        self.assertEqual((self.stats()["commands"]["VRFY"], self.stats()["commands"]["EXPN"]), (4, 3))

    def test_needs_smtputf8_for_what_is_not_ascii(self):
        self.start("--vrfy", "\u00e9@x=250 2.1.5 here")
        client = self.greeted()
        for verb, want in (("VRFY", "250 2.1.5"), ("EXPN", "252 2.1.5")):
            self.assertEqual(client.say(f"{verb} \u00e9@x")[:9], "553 5.6.7")
            self.assertEqual(client.say(f"{verb} \u00e9@x smtputf8")[:9], want)
            self.assertEqual(client.say(f"{verb} x SMTPUTF8")[:9], "252 2.1.5")
            self.assertEqual(client.say(verb)[:9], "501 5.5.4")
            client.send(verb.encode() + b" \xff SMTPUTF8\r\n")
            self.assertEqual(client.reply()[:9], "501 5.5.2")
        self.assertEqual(self.control("set without SMTPUTF8"), "ok")
        self.assertEqual(client.say("VRFY x SMTPUTF8")[:9], "555 5.5.4")
