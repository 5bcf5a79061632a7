# SPDX-License-Identifier: MIT
"""AUTH PLAIN and LOGIN."""
import base64
import smtplib

from harness import SinkCase


def encode(text):
    return base64.b64encode(text.encode()).decode()


GOOD = encode("\0user\0pass:word")


class AuthTest(SinkCase):
    def open(self, *options):
        self.start("--users", self.write("users", "other:x\nuser:pass:word\n"), "--auth-without-tls", *options)
        return self.greeted()

    def test_takes_plain_in_every_form(self):
        client = self.open()
        for initial in (GOOD, encode("user\0user\0pass:word")):
            self.assertEqual(client.say("AUTH PLAIN " + initial)[:9], "235 2.7.0")
            client = self.greeted()
        self.assertEqual(client.say("auth plain"), "334 ")
        self.assertEqual(client.say(GOOD)[:9], "235 2.7.0")
        self.assertEqual(client.say("AUTH PLAIN " + GOOD)[:9], "503 5.5.1")
        self.assertEqual(self.stats()["authentications"], 3)

    def test_takes_login_in_every_form(self):
        client = self.open()
        self.assertEqual(client.say("AUTH LOGIN"), "334 VXNlcm5hbWU6")
        self.assertEqual(client.say(encode("user")), "334 UGFzc3dvcmQ6")
        self.assertEqual(client.say(encode("pass:word"))[:3], "235")
        client = self.greeted()
        self.assertEqual(client.say("AUTH LOGIN " + encode("user")), "334 UGFzc3dvcmQ6")
        self.assertEqual(client.say(encode("wrong"))[:9], "535 5.7.8")
        self.assertEqual(client.say("AUTH LOGIN " + encode("user"))[:3], "334")
        self.assertEqual(client.say("*")[:3], "501")
        self.assertEqual(client.say("AUTH LOGIN " + encode("user"), "x" * 5000)[1][:9], "500 5.5.6")
        self.assertEqual(client.say("AUTH LOGIN " + encode("other"))[:3], "334")
        self.assertEqual(client.say(encode("x"))[:3], "235")

    def test_refuses_what_is_wrong(self):
        client = self.open()
        for initial, code in [("=", "501"), ("!", "501"), ("YQ", "501"), (GOOD[:-1] + "!", "501"), ("Y=Q=", "501"),
                              (encode("user"), "501"), (encode("\0user\0pass:word\0x"), "501"),
                              (encode("\0user\0wrong"), "535"), (encode("other\0user\0pass:word"), "535"),
                              (encode("\0\0"), "535")]:
            self.assertEqual(client.say("AUTH PLAIN " + initial)[:3], code, initial)
        self.assertEqual(client.say("AUTH PLAIN", "*")[1][:3], "501")
        self.assertEqual(client.say("AUTH PLAIN", "x" * 5000)[1][:9], "500 5.5.6")
        self.assertEqual(client.say("AUTH SCRAM-SHA-256 x")[:9], "504 5.5.4")
        self.assertEqual(client.say("MAIL FROM:<a@b>", "AUTH PLAIN " + GOOD)[1][:3], "503")
        self.assertEqual(self.stats()["authentications"], 0)

    def test_requires_it_where_asked(self):
        client = self.open("--require-auth", "--ledger", self.path("ledger"))
        self.assertEqual(client.say("MAIL FROM:<a@b>")[:9], "530 5.7.0")
        client.say("AUTH PLAIN " + GOOD)
        for value, code in [("<>", "250"), ("a+2Bb@c", "250"), ("a+40b", "250"), ("a", "501"), ("a+4g@b", "501"),
                            ("<a@b>", "501")]:
            self.assertEqual(client.say(f"MAIL FROM:<a@b> AUTH={value}")[:3], code, value)
            client.say("RSET")
        self.deliver(client)
        self.assertEqual(self.ledger()[0]["user"], "user")

    def test_is_offered_over_tls_only(self):
        self.start_tls("--users", self.write("users", "user:pass\n"))
        client = self.greeted()
        self.assertEqual(client.say("AUTH PLAIN " + GOOD)[:10], "538 5.7.11")
        self.assertEqual(client.say("MAIL FROM:<a@b> AUTH=<>")[:3], "555")
        with smtplib.SMTP_SSL("localhost", self.ports["smtps"], context=self.context, timeout=30) as server:
            server.login("user", "pass")

    def test_is_not_there_without_users(self):
        self.start()
        self.assertEqual(self.greeted().say("AUTH PLAIN " + GOOD)[:3], "502")
