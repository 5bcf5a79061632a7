# SPDX-License-Identifier: MIT
"""Numbers, names, error texts and bad input: all that needs no server."""
import ctypes
from ctypes import byref, c_void_p

import binding
from binding import PostelError, text
from case import BODY, Case
from sink import USER


class NamesTest(Case):
    def test_enum_values_are_ints_with_a_name(self):
        for function, names in (("status_name", binding.STATUSES), ("outcome_name", binding.OUTCOMES),
                                ("phase_name", binding.PHASES), ("state_name", binding.STATES)):
            name_of = getattr(self.c, function)
            self.assertEqual([name_of(number).decode() for number in range(len(names))], list(names))
            for number in (-1, len(names), 2**31 - 1):
                self.assertEqual(name_of(number), b"?", function)

    def test_statistics_have_names_until_null(self):
        names = []
        while name := self.c.statistic_name(len(names)):
            names.append(name.decode())
        self.assertEqual((names[0], names[-1], len(names), len(set(names))), ("sessions_opened", "open", 22, 22))
        self.assertIsNone(self.c.statistic_name(-1))

    def test_an_error_is_octets_that_start_as_nothing(self):
        error = ctypes.create_string_buffer(self.postel.error_size)
        self.assertEqual((self.c.error_status(error), self.c.error_phase(error), self.c.error_message(error)),
                         (0, 0, b""))
        self.assertRegex(self.c.version(), rb"^\d+\.\d+\.\d+$")

    def test_a_copy_of_an_error_speaks_for_itself(self):
        error = ctypes.create_string_buffer(self.postel.error_size)
        self.c.config_check(None, error)
        copy = ctypes.create_string_buffer(error.raw, self.postel.error_size)
        self.c.config_from_url(b"gopher://x", byref(c_void_p()), error)
        self.assertEqual(self.c.error_message(copy), b"config: is missing")


class BadInputTest(Case):
    """Nothing listens anywhere: all of it is refused before that matters."""

    def config_fault(self, **fields):
        config = self.postel.config(**{"host": "localhost", **fields})
        try:
            with self.assertRaises(PostelError) as caught:
                self.postel.call(self.c.config_check, config)
            self.assertEqual((caught.exception.status, caught.exception.phase), ("INVALID", "none"))
            return caught.exception.message
        finally:
            self.c.config_free(byref(config))
            self.assertFalse(config)

    def test_configs_name_the_field_and_the_rule(self):
        for fields, message in (
                ({"host": None}, "host: is missing"),
                ({"host": "a\r\nb"}, "host: holds a CR or LF"),
                ({"host": "bücher.example"}, "host: has octets that are not ASCII: write it in its xn-- form"),
                ({"port": 65536}, "port: 65536 is not from 0 to 65535"),
                ({"port": -1}, "port: -1 is not from 0 to 65535"),
                ({"tls": 4}, "tls: 4 is not from 0 to 3"),
                ({"pool_size": 0}, "pool size: 0 is not from 1 to 10000"),
                ({"timeout_ms": -1}, "timeout_ms: -1 is not from 0 to 86400000"),
                ({"ehlo_name": "client\nexample"}, "EHLO name: holds a CR or LF"),
                ({"user": "a\rb", "password": "x"}, "user: holds a CR or LF"),
                ({"user": USER}, "password: is missing, and there is a user"),
                ({"auth_mechanism": "CRAM"}, None)):
            with self.subTest(**fields):
                found = self.config_fault(**fields)
                self.assertEqual(found, message or found)
                self.assertNotEqual(found, "")

    def test_a_mended_field_is_forgiven(self):
        config = self.postel.config(host="a\nb")
        self.postel.set(config, host="localhost")
        self.postel.call(self.c.config_check, config)
        self.c.config_free(byref(config))

    def test_urls_name_their_part_but_not_the_password(self):
        for url, pattern in (("gopher://x", "scheme"), ("smtp://", "host"), ("smtp://x:70000", "port"),
                             ("smtps://u:geheim%zz@x", "password"), ("smtp://x/path", "path")):
            with self.subTest(url=url), self.assertRaises(PostelError) as caught:
                self.postel.config_from_url(url)
            self.assertEqual(caught.exception.status, "INVALID")
            self.assertIn(pattern, caught.exception.message)
            self.assertNotIn("geheim", caught.exception.message)

    def test_files_that_are_no_certificates(self):
        for path in ("/nonexistent/\u00e9.pem", __file__):
            with self.subTest(path=path), self.assertRaises(PostelError) as caught:
                self.postel.pool(host="localhost", ca_file=path)
            self.assertEqual(caught.exception.status, "TLS")
            self.assertIn(path, caught.exception.message)

    def test_addresses_name_the_field_and_the_rule(self):
        with self.postel.pool(host="localhost", port=1) as pool:
            for sender, recipients, message in (
                    ("a@example.org", [], "to: at least one recipient is needed"),
                    ("no domain", ["b@example.org"], 'from: has a space ("no domain")'),
                    ("a@example.org", ["b@example.org", "c@x\r\nRSET"], "to 2: holds a CR or LF"),
                    ("a@example.org", [b"\xff@example.org"], "no valid UTF-8"),
                    ("a@example.org", ["b@" + "x." * 130 + "example"], "longer than 254 octets")):
                with self.subTest(sender=sender, recipients=recipients), self.assertRaises(PostelError) as caught:
                    pool.send(sender, recipients, BODY)
                self.assertEqual(caught.exception.status, "INVALID")
                self.assertIn(message, caught.exception.message)
            self.assertEqual(pool.statistics()["connect_failures"], 0)

    def test_a_nul_is_refused_by_the_binding(self):
        with self.assertRaises(ValueError):
            text("a@example.org\0@example.net")

    def test_envelopes_name_the_field_and_the_rule(self):
        c = self.c
        for change, message in (
                (lambda e: c.envelope_set_ret(e, 3), "ret: is no POSTEL_RET_ value"),
                (lambda e: c.envelope_set_notify(e, 0, binding.NOTIFY_NEVER | binding.NOTIFY_DELAY),
                 "notify of to 1: has NEVER together with other values"),
                (lambda e: c.envelope_set_notify(e, 5, binding.NOTIFY_DELAY), "recipient: there is none of index 5"),
                (lambda e: c.envelope_set_envid(e, text("Zürich")),
                 "envid: has octets that are not printable ASCII"),
                (lambda e: c.envelope_set_orcpt(e, 0, b"nothing"),
                 "orcpt of to 1: does not begin with an address type")):
            envelope = self.postel.envelope("a@example.org", "b@example.org")
            change(envelope)
            with self.subTest(message=message), self.assertRaises(PostelError) as caught:
                self.postel.call(c.envelope_check, envelope)
            self.assertIn(message, caught.exception.message)
            c.envelope_free(byref(envelope))
