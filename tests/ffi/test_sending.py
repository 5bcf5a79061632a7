# SPDX-License-Identifier: MIT
"""Leases, connections and messages, one call after the other."""
import ctypes
import hashlib
import re
import unittest.mock
from ctypes import byref, c_void_p

import binding
from binding import PostelError
from case import BODY, SinkCase


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class SessionTest(SinkCase):
    def test_a_lease_sends_with_parameters(self):
        pool, c = self.pool(pool_size=1), self.c
        connection = pool.acquire()
        self.assertEqual((c.connection_state(connection), c.connection_is_secure(connection),
                          c.connection_is_authenticated(connection)), (binding.STATES.index("ready"), 1, 1))
        self.assertGreater(c.connection_phase_us(connection, binding.PHASES.index("tls")), 0)

        envelope = self.postel.envelope("dsn@example.org", "a@yes.example", "b@no.example")
        c.envelope_set_ret(envelope, binding.RET_HDRS)
        c.envelope_set_envid(envelope, b"run 7+1")
        c.envelope_set_notify(envelope, 0, binding.NOTIFY_FAILURE | binding.NOTIFY_DELAY)
        c.envelope_set_orcpt(envelope, 0, b"rfc822;a=b@example.org")
        message = c_void_p(c.message_from_memory(BODY, len(BODY)))
        result = self.postel.result_of(c.send_with_params, connection, envelope, message, 10000)
        self.assertEqual([recipient.outcome for recipient in result.recipients], ["ACCEPTED", "REJECTED"])
        self.assertEqual(result.recipients[1].text, b"5.1.1 No such mailbox")
        entry = self.sink.ledger()["dsn@example.org"]
        self.assertLessEqual({"RET=HDRS", "ENVID=run+207+2B1"}, set(entry["mail_params"]))
        self.assertEqual([sorted(to["params"]) for to in entry["to"]],
                         [["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;a+3Db@example.org"]])

        self.postel.call(c.connection_noop, connection, -1)
        self.assertEqual((pool.release(connection), connection.value), (0, None))
        self.assertEqual(pool.statistics()["open"], 1)
        c.envelope_free(byref(envelope))
        c.message_free(byref(message))

    def test_capabilities_are_a_copy(self):
        pool, c, capabilities = self.pool(), self.c, c_void_p()
        connection = pool.acquire()
        self.postel.call(c.connection_capabilities, connection, 1000, byref(capabilities))
        pool.release(connection)
        pool.close()
        self.assertEqual([c.capabilities_has(capabilities, keyword) for keyword in (b"pipelining", b"XNONE")], [1, 0])
        self.assertEqual(c.capabilities_parameters(capabilities, b"AUTH"), b"PLAIN LOGIN")
        self.assertIsNone(c.capabilities_parameters(capabilities, b"XNONE"))
        lines = [c.capabilities_line(capabilities, i) for i in range(c.capabilities_line_count(capabilities))]
        self.assertIn(b"PIPELINING", lines)
        c.capabilities_free(byref(capabilities))

    def test_the_tls_description_fits_or_is_cut(self):
        pool, c = self.pool(), self.c
        connection, short = pool.acquire(), ctypes.create_string_buffer(8)
        size = c.connection_tls_description(connection, None, 0)
        whole = ctypes.create_string_buffer(size + 1)
        self.assertEqual(c.connection_tls_description(connection, whole, size + 1), size)
        self.assertEqual(c.connection_tls_description(connection, short, 8), size)
        self.assertEqual((len(whole.value), short.value), (size, whole.value[:7]))
        self.assertRegex(whole.value, rb"^TLS1\.[23]")
        pool.release(connection)

    def test_a_connection_without_a_pool(self):
        c, config, connection = self.c, self.postel.config(**self.fields()), c_void_p()
        self.postel.call(c.connection_new, config, byref(connection))
        c.config_free(byref(config))
        self.postel.call(c.connect, connection, 10000)
        self.assertEqual(self.postel.send(c.send, connection, "", ["a@yes.example"], BODY).status, "OK")
        self.postel.call(c.connection_close, connection, 10000)
        with self.assertRaises(PostelError) as caught:
            self.postel.call(c.connection_noop, connection, 10000)
        self.assertEqual(caught.exception.status, "CLOSED")
        c.connection_free(byref(connection))
        self.assertFalse(connection)

    def test_a_wrong_password_is_refused_in_the_words_of_the_server(self):
        pool = self.pool(password="falsch")
        with self.assertRaises(PostelError) as caught:
            pool.acquire()
        error = caught.exception
        self.assertEqual((error.status, error.phase, error.code), ("AUTH", "auth", 535))
        self.assertNotIn("falsch", error.message)
        result = pool.send("a@example.org", ["b@yes.example"], BODY)
        self.assertEqual((result.status, result.attempts, result.recipients[0].outcome), ("AUTH", 0, "NOT_SENT"))

    def test_a_server_may_speak_anything_but_an_error_is_utf_8(self):
        self.sink.set(b"set final *=554 5.6.0 Gr\xfc\xdfe")
        result = self.pool().send("any@example.org", ["a@yes.example"], BODY)
        self.assertEqual((result.status, result.text), ("REJECTED", b"5.6.0 Gr\xfc\xdfe"))
        self.assertIn("Gr\\xfc\\xdfe", result.error.message)


class MessageTest(SinkCase):
    def send_read(self, sender, read, size=-1):
        """The result for a message out of a Python function; what it raises is printed by ctypes, and lost."""
        pool, c, callback = self.pool(), self.c, binding.READ(read)
        envelope = self.postel.envelope(sender, "a@yes.example")
        message = c_void_p(c.message_from_reader(callback, None, size))
        try:
            return pool.send_with_params(envelope, message)
        finally:
            c.envelope_free(byref(envelope))
            c.message_free(byref(message))

    def test_a_reader_gives_the_content_in_pieces(self):
        content = BODY + b"0123456789abcde\r\n" * 20000
        for sender, size in (("unknown@example.org", -1), ("known@example.org", len(content))):
            rest = memoryview(content)

            def read(_, buffer, room, count):
                nonlocal rest
                count[0] = min(room, len(rest), 4099)
                ctypes.memmove(buffer, bytes(rest[:count[0]]), count[0])
                rest = rest[count[0]:]
                return 0

            with self.subTest(size=size):
                self.assertEqual(self.send_read(sender, read, size).status, "OK")
                entry = self.sink.ledger()[sender]
                self.assertEqual(entry["sha256"], sha256(content))
                self.assertEqual(f"SIZE={len(content)}" in entry["mail_params"], size >= 0)

    def test_a_reader_that_fails_or_raises_leaves_no_half_message(self):
        for name, fails in (("fails", lambda: -1), ("raises", lambda: 1 // 0)):
            given = []

            def read(_, buffer, room, count):
                if given:
                    return fails()
                given.append(room)
                ctypes.memmove(buffer, BODY, len(BODY))
                count[0] = len(BODY)
                return 0

            with self.subTest(name), unittest.mock.patch("sys.unraisablehook"):
                result = self.send_read("half@example.org", read)
                self.assertEqual((result.status, result.recipients[0].outcome), ("IO", "NOT_SENT"))
                self.assertIn("reader", result.error.message)
                self.assertEqual(self.sink.ledger(), {})

    def test_memory_is_octets_of_any_kind(self):
        pool, c = self.pool(), self.c
        for number, (content, arrived) in enumerate((
                (b"", b""), (b".", b".\r\n"), ("Grüße €\n".encode(), "Grüße €\r\n".encode()),
                (bytes(range(1, 256)), re.sub(rb"[\r\n]", b"\r\n", bytes(range(1, 256))) + b"\r\n"))):
            sender = f"m{number}@example.org"
            self.assertEqual(pool.send(sender, ["a@yes.example"], content).status, "OK")
            self.assertEqual(self.sink.ledger()[sender]["sha256"], sha256(arrived))

        result = pool.send("nul@example.org", ["a@yes.example"], b"a\0b\r\n")
        self.assertEqual((result.status, result.recipients[0].outcome), ("INVALID", "NOT_SENT"))
        envelope = self.postel.envelope("bare@example.org", "a@yes.example")
        message = c_void_p(c.message_from_memory(b"a\nb\r\n", 5))
        c.message_set_refuse(message, binding.REFUSE_BARE_NEWLINES)
        self.assertEqual(pool.send_with_params(envelope, message).status, "INVALID")
        c.message_free(byref(message))
        c.envelope_free(byref(envelope))
        self.assertNotIn("bare@example.org", self.sink.ledger())
