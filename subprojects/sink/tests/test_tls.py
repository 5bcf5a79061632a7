# SPDX-License-Identifier: MIT
"""STARTTLS, implicit TLS and the certificate made on the spot."""
import shutil
import smtplib
import ssl
import subprocess
import unittest
import warnings

from harness import SinkCase


class TlsTest(SinkCase):
    def test_delivers_by_starttls_and_by_implicit_tls(self):
        self.start_tls("--ledger", self.path("ledger"))
        with smtplib.SMTP("localhost", self.ports["smtp"], timeout=30) as server:
            server.starttls(context=self.context)
            server.sendmail("a@b", ["c@d"], "x\n" * 30000)
        with smtplib.SMTP_SSL("127.0.0.1", self.ports["smtps"], context=self.context, timeout=30) as server:
            server.sendmail("a@b", ["c@d"], "x\n")
        self.assertEqual([(entry["tls"], entry["size"]) for entry in self.ledger()], [(True, 90000), (True, 3)])
        self.assertEqual(self.stats()["tls_handshakes"], 2)

    def test_forgets_what_was_said_in_the_clear(self):
        self.start_tls()
        client = self.greeted()
        self.assertEqual(client.say("STARTTLS now")[:3], "501")
        self.assertEqual(client.say("STARTTLS")[:3], "220")
        client.start_tls(self.context)
        self.assertEqual(client.say("MAIL FROM:<a@b>")[:3], "503")
        self.assertNotIn("STARTTLS", client.say("EHLO x"))
        self.assertEqual(client.say("STARTTLS")[:3], "503")
        self.assertEqual(client.say("MAIL FROM:<a@b>")[:3], "250")
        self.assertEqual(client.say("QUIT")[:3], "221")
        self.assertEqual(client.rest(), b"")  # with close_notify, else this raises

    def test_refuses_octets_behind_starttls(self):
        self.start_tls()
        client = self.greeted()
        client.send("STARTTLS\r\nNOOP\r\n")
        self.assertEqual(client.reply()[:3], "501")
        self.assertEqual(client.rest(), b"")

    def test_requires_it_where_asked(self):
        self.start_tls("--require-tls")
        client = self.greeted()
        replies = client.say("NOOP", "MAIL FROM:<a@b>", "VRFY x", "AUTH PLAIN")
        self.assertEqual([reply[:9] for reply in replies], ["250 2.0.0"] + ["530 5.7.0"] * 3)
        client.say("STARTTLS")
        client.start_tls(self.context)
        self.assertEqual(client.say("EHLO x", "MAIL FROM:<a@b>")[1][:3], "250")

    def test_answers_pipelined_commands_in_one_record(self):
        self.start_tls()
        client = self.greeted(port="smtps", context=self.context)
        before = self.stats()["round_trips"]
        client.say("MAIL FROM:<a@b>", *["RCPT TO:<c@d>"] * 1000, "DATA")
        self.assertLessEqual(self.stats()["round_trips"] - before, 3)  # 16 KiB a record, sent by one call

    def test_resumes_sessions(self):
        self.start_tls("--tls-priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2")
        first = self.greeted(port="smtps", context=self.context)
        self.assertEqual(first.socket.version(), "TLSv1.2")
        session = first.socket.session
        second = self.client(port="smtps")
        second.socket = self.context.wrap_socket(second.socket, server_hostname="localhost", session=session)
        self.assertTrue(second.socket.session_reused)

    def test_speaks_nothing_below_tls_1_2(self):
        self.start_tls()
        old = ssl.create_default_context(cafile=self.path("ca.pem"))
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the version that is tried on purpose
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(ssl.SSLError):
            self.client(port="smtps", context=old)
        self.assertEqual(self.greeted(port="smtps", context=self.context).socket.version(), "TLSv1.3")

    def test_refuses_plaintext_on_the_tls_port(self):
        self.start_tls()
        client = self.client(port="smtps")
        client.send("EHLO x\r\n")
        with self.assertRaises((EOFError, UnicodeError, AssertionError, ConnectionError)):
            client.reply()

    def test_loads_a_certificate_from_files(self):
        if not shutil.which("openssl"):
            self.skipTest("needs the openssl command")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.path("key"), "-out", self.path("cert"), "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self.start("--cert", self.path("cert"), "--key", self.path("key"), "--smtps", "0")
        self.greeted(port="smtps", context=ssl.create_default_context(cafile=self.path("cert")))

    @unittest.skipUnless(shutil.which("gnutls-cli"), "needs gnutls-cli")
    def test_is_trusted_by_gnutls(self):
        self.start_tls()
        done = subprocess.run(["gnutls-cli", "--x509cafile", self.path("ca.pem"), "-p", str(self.ports["smtps"]),
                               "localhost"], input="QUIT\r\n", capture_output=True, text=True, timeout=30, check=False)
        self.assertIn("The certificate is trusted", done.stdout)
