# SPDX-License-Identifier: MIT
"""Options, exit codes, the control port, and that nothing is left at the end."""
import os
import signal
import subprocess
import time

from harness import SinkCase


class CommandLineTest(SinkCase):
    def run_sink(self, *options):
        return subprocess.run([self.program, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30, check=False)

    def test_names_option_and_rule_and_exits_64(self):
        for options, words in [
                ([], ["--smtp", "required"]), (["--smtp", "x"], ["--smtp", "number"]), (["--smtp", "65536"], ["65535"]),
                (["--nope"], ["nope"]), (["--smtp"], ["smtp", "argument"]), (["--smtp", "0", "x"], ["x", "options"]),
                (["--smtps", "0"], ["--smtps", "--cert"]), (["--smtp", "0", "--cert", "x"], ["--cert", "--key"]),
                (["--smtp", "0", "--listen-address", "0.0.0.0"], ["--listen-address", "loopback"]),
                (["--smtp", "0", "--listen-address", "localhost"], ["--listen-address", "loopback"]),
                (["--smtp", "0", "--listen-address", "::"], ["--listen-address", "loopback"]),
                (["--smtp", "0", "--fault", "mail"], ["--fault", "WHERE"]),
                (["--smtp", "0", "--fault", "nowhere=close"], ["--fault", "WHERE"]),
                (["--smtp", "0", "--fault", "mail=explode"], ["--fault", "WHAT"]),
                (["--smtp", "0", "--fault", "mail#0=close"], ["--fault", "N"]),
                (["--smtp", "0", "--fault", "mail#1x=close"], ["--fault", "N"]),
                (["--smtp", "0", "--fault", "body=drip"], ["--fault", "drip"]),
                (["--smtp", "0", "--refuse-rcpt", "a@b"], ["--refuse-rcpt", "GLOB=REPLY"]),
                (["--smtp", "0", "--refuse-rcpt", "a@b=hello"], ["--refuse-rcpt", "GLOB=REPLY"]),
                (["--smtp", "0", "--data-reply", "35"], ["--data-reply", "three digits"]),
                (["--smtp", "0", "--without", "FOO"], ["--without", "PIPELINING"]),
                (["--smtp", "0", "--with", "DSN"], ["--with", "DELIVERBY"]),
                (["--smtp", "0", "--with", "DELIVERBY=x"], ["--with", "number"]),
                (["--smtp", "0", "--with", "FUTURERELEASE"], ["--with", "SECONDS"]),
                (["--smtp", "0", "--with", "FUTURERELEASE=1 2030-02-30T00:00:00Z"], ["--with", "SECONDS"]),
                (["--smtp", "0", "--with", "MT-PRIORITY=a b"], ["--with", "word"]),
                (["--smtp", "0", "--with", "REQUIRETLS=x"], ["--with", "nothing"]),
                (["--lmtps", "0"], ["--lmtps", "--cert"]),
                (["--smtp", "0", "--max-size", "-1"], ["--max-size", "number"]),
                (["--smtp", "0", "--tls-priority", "BAD", "--self-signed", self.path("x")], ["--tls-priority"])]:
            done = self.run_sink(*options)
            self.assertEqual((done.returncode, done.stdout), (64, ""), options)
            for word in words:
                self.assertIn(word, done.stderr)

    def test_reports_what_cannot_be_opened(self):
        for options, code in [(["--users", "/nonexistent"], 66), (["--ledger", "/nonexistent/x"], 73),
                              (["--store", "/nonexistent"], 73), (["--self-signed", "/nonexistent/x"], 73),
                              (["--cert", "/nonexistent", "--key", "/nonexistent"], 66)]:
            done = self.run_sink("--smtp", "0", *options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertNotEqual(done.stderr, "")

    def test_helps(self):
        done = self.run_sink("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in ("--smtp PORT", "--fault WHERE[#N]=WHAT", "--exit-on-eof", "--reply-text N"):
            self.assertIn(option, done.stdout)

    def test_refuses_a_port_that_is_taken(self):
        self.start()
        done = self.run_sink("--smtp", str(self.ports["smtp"]))
        self.assertEqual(done.returncode, 69)
        self.assertIn(str(self.ports["smtp"]), done.stderr)

    def test_ends_at_once_when_standard_input_cannot_be_waited_for(self):
        self.assertEqual(self.run_sink("--smtp", "0", "--exit-on-eof").returncode, 0)

    def test_ends_by_signal_with_connections_in_every_state(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.start_tls("--ledger", self.path("ledger"), "--store", self.directory, "--fault", "noop=stall",
                           "--fault", "rset=drip", "--users", self.write("users", "u:p\n"))
            self.client(), self.client(port="smtps"), self.client(port="control")
            self.greeted(port="smtps", context=self.context)
            for said in ("NOOP\r\n", "RSET\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf", "STARTTLS\r\n"):
                self.greeted().send(said)
            self.client(port="control").send("stat")
            self.process.send_signal(number)
            self.assertEqual(self.process.wait(timeout=30), 0)
            self.stop()
            self.assertEqual([name for name in os.listdir(self.directory) if "incoming" in name], [])

    def test_leaves_no_descriptor_open(self):
        self.start_tls()
        fds = f"/proc/{self.process.pid}/fd"
        self.stats()
        before = len(os.listdir(fds))
        for _ in range(20):
            self.deliver(self.greeted())
            self.greeted(port="smtps", context=self.context).close()
            self.client().close()
        self.doCleanups_of_clients()
        deadline = time.monotonic() + 10
        while len(os.listdir(fds)) > before:
            self.assertLess(time.monotonic(), deadline, os.listdir(fds))

    def doCleanups_of_clients(self):
        directory = self.directory
        self._cleanups, kept = [c for c in self._cleanups if directory in c[1]], \
            [c for c in self._cleanups if directory not in c[1]]
        for function, arguments, _ in kept:
            function(*arguments)


class ControlTest(SinkCase):
    def test_counts(self):
        self.start()
        client = self.greeted()
        self.deliver(client)
        client.say("FOO")
        stats = self.stats()
        for name, want in [("connections", 1), ("open_connections", 1), ("peak_connections", 1), ("tls_handshakes", 0),
                           ("authentications", 0), ("transactions", 1), ("messages", 1), ("recipients_accepted", 1),
                           ("recipients_refused", 0), ("round_trips", 4)]:
            self.assertEqual(stats[name], want, name)
        sent = "EHLO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n" \
               "Subject: x\r\n\r\nhello\r\n.\r\nFOO\r\n"
        self.assertEqual(stats["bytes_in"], len(sent))
        self.assertEqual(stats["bytes_out"], client.received)
        self.assertEqual({name: count for name, count in stats["commands"].items() if count},
                         {"EHLO": 1, "MAIL": 1, "RCPT": 1, "DATA": 1, "unknown": 1})

    def test_resets_the_counters_but_not_what_is_open(self):
        self.start()
        self.deliver(self.greeted())
        self.assertEqual(self.control("reset-stats"), "ok")
        stats = self.stats()
        self.assertEqual((stats.pop("open_connections"), stats.pop("peak_connections")), (1, 1))
        self.assertEqual(sum(stats.pop("commands").values()) + sum(stats.values()), 0)

    def test_changes_options_at_run_time(self):
        self.start()
        client = self.greeted()
        self.assertEqual(self.control("set refuse-mail a@*=550 5.1.0 no", "set hostname other.example", "set max-size 5",
                                      "set require-auth on", "set without DSN"), ["ok"] * 5)
        self.assertEqual(client.say("MAIL FROM:<b@x>")[:3], "530")
        self.assertEqual(self.control("set require-auth off"), "ok")
        self.assertEqual(client.say("MAIL FROM:<a@x>"), "550 5.1.0 no")
        self.assertEqual(client.say("EHLO x").split("\n")[0], "250-other.example")
        self.assertIn("SIZE 5", client.say("EHLO x"))
        self.assertNotIn("DSN", client.say("EHLO x"))
        self.assertEqual(self.control("clear refuse-mail", "clear hostname", "clear without", "clear max-size"), ["ok"] * 4)
        self.assertEqual(client.say("EHLO x").split("\n")[0], "250-sink.example.test")
        self.assertIn("DSN", client.say("EHLO x"))
        self.assertEqual(client.say("MAIL FROM:<a@x>")[:3], "250")

    def test_says_what_is_wrong_with_a_line(self):
        self.start()
        for line in ("", "foo", "set", "set x", "set smtp 1", "set max-size x", "set max-size", "clear", "clear x y",
                     "set fault mail=explode", "set require-tls yes", "clear ledger"):
            self.assertRegex(self.control(line), "^error .", line)
        self.assertEqual(self.control("stats\r")[:1], "{")
