# SPDX-License-Identifier: MIT
"""Batches, LMTP, several transactions, and what a server is asked besides mail."""
import ctypes
import select
import socket
from ctypes import byref, c_void_p

import binding
from binding import PostelError, Segment, Transport
from case import BODY, SESSIONS, SinkCase
from sink import USER

MESSAGES = 300


class Batch:
    """A batch with what it borrows."""

    def __init__(self, postel):
        self.postel, self.c, self.handle = postel, postel.c, c_void_p(postel.c.batch_new())
        self.borrowed = []

    def add(self, sender, recipients, content):
        envelope = self.postel.envelope(sender, *recipients)
        message = c_void_p(self.c.message_from_copy(content, len(content)))
        self.borrowed += [(self.c.envelope_free, envelope), (self.c.message_free, message)]
        return self.c.batch_add(self.handle, envelope, message)

    def send(self, function, session, timeout_ms=60000):
        """The status of the whole, and its error."""
        error = ctypes.create_string_buffer(self.postel.error_size)
        status = function(session, self.handle, timeout_ms, error)
        return binding.STATUSES[status], PostelError(self.c, error) if status else None

    def status(self, message):
        return binding.STATUSES[self.c.batch_status(self.handle, message)]

    def result(self, message):
        return self.postel.read_result(c_void_p(self.c.batch_result(self.handle, message)))

    def error(self, message):
        return PostelError(self.c, c_void_p(self.c.batch_error(self.handle, message)))

    def free(self):
        self.c.batch_free(byref(self.handle))
        for function, handle in self.borrowed:
            function(byref(handle))


class BatchTest(SinkCase):
    def batch(self):
        batch = Batch(self.postel)
        self.addCleanup(batch.free)
        return batch

    def check(self, batch, number, result, ledger):
        recipients = [recipient.address for recipient in result.recipients]
        self.assertEqual(recipients, self.recipients(number))
        outcomes = [recipient.outcome for recipient in result.recipients]
        self.assertEqual(outcomes, ["REJECTED" if "no.example" in address else "ACCEPTED" for address in recipients])
        self.assertEqual(batch.status(number), result.status)
        self.assertEqual(batch.error(number).status, result.status)
        entry = ledger.get(f"s{number}@example.org")
        accepted = [address for address, outcome in zip(recipients, outcomes) if outcome == "ACCEPTED"]
        self.assertEqual([to["address"] for to in entry["to"]] if entry else [], accepted)
        for recipient in result.recipients:
            self.assertEqual(bool(recipient.queue_id), recipient.outcome == "ACCEPTED")
            if recipient.queue_id:
                self.assertEqual(int(recipient.queue_id, 16), entry["n"])

    def recipients(self, number):
        return [f"a{number}@no.example" if number % 3 == 0 else f"a{number}@yes.example"] + \
            [f"b{number}@yes.example"] * (number % 4)

    def send_many(self, function, session, batch):
        told = []
        callback = binding.BATCH_DONE(lambda _, handle, number: told.append((handle, number, batch.status(number))))
        self.c.batch_set_done(batch.handle, callback, None)
        for number in range(MESSAGES):
            added = batch.add(f"s{number}@example.org", self.recipients(number), BODY + b"%d\r\n" % number)
            self.assertEqual((added, batch.status(number)), (number, "CLOSED"))
        self.assertEqual(self.c.batch_count(batch.handle), MESSAGES)
        status, error = batch.send(function, session)
        self.assertEqual((status, error.status, error.code), ("PARTIAL", "PARTIAL", 550))
        self.assertEqual(sorted(number for _, number, _ in told), list(range(MESSAGES)))
        self.assertEqual({handle for handle, _, _ in told}, {batch.handle.value})
        ledger = self.sink.ledger()
        for _, number, status in told:
            self.assertEqual(batch.status(number), status)
            self.check(batch, number, batch.result(number), ledger)

    def test_a_batch_over_a_pool(self):
        pool, batch = self.pool(), self.batch()
        self.send_many(self.c.pool_send_batch, pool.handle, batch)
        statistics = pool.statistics()
        self.assertEqual((statistics["messages"], statistics["leased"]), (MESSAGES, 0))
        self.assertLessEqual(statistics["peak_sessions"], SESSIONS)
        self.assertLess(statistics["round_trips"], MESSAGES / 2)

        # Those with a result are not sent again.
        self.assertEqual(batch.send(self.c.pool_send_batch, pool.handle)[0], "PARTIAL")
        self.assertEqual(pool.statistics()["messages"], MESSAGES)

    def send_on_a_lease(self, chunking):
        pool, batch = self.pool(chunking=chunking), self.batch()
        connection = pool.acquire()
        self.send_many(self.c.connection_send_batch, connection, batch)
        pool.release(connection)

    def test_a_batch_over_a_connection(self):
        self.send_on_a_lease(binding.CHUNKING_AUTO)

    def test_a_batch_over_a_connection_by_data(self):
        self.send_on_a_lease(binding.CHUNKING_NEVER)

    def test_one_bad_message_takes_no_other_with_it(self):
        pool, batch = self.pool(), self.batch()
        batch.add("a@example.org", ["a@yes.example"], BODY)
        batch.add("bad\n@example.org", ["a@yes.example"], BODY)
        batch.add("b@example.org", ["a@yes.example"], b"a\0b\r\n")
        batch.add("c@example.org", ["a@yes.example"], BODY)
        status, error = batch.send(self.c.pool_send_batch, pool.handle)
        self.assertEqual((status, [batch.status(i) for i in range(4)]),
                         ("PARTIAL", ["OK", "INVALID", "INVALID", "OK"]))
        self.assertIn("CR or LF", error.message)
        self.assertIsNone(self.c.batch_result(batch.handle, 1))
        self.assertEqual(batch.result(2).recipients[0].outcome, "NOT_SENT")
        self.assertIn("NUL", batch.error(2).message)
        self.assertEqual(sorted(self.sink.ledger()), ["a@example.org", "c@example.org"])

    def test_what_is_out_of_range_is_told(self):
        batch = self.batch()
        self.assertEqual(self.c.batch_count(batch.handle), 0)
        for number in (0, 1, 2**63):
            self.assertEqual(batch.status(number), "INVALID")
            self.assertIsNone(self.c.batch_result(batch.handle, number))
        self.assertEqual(self.postel.c.batch_count(None), 0)
        self.assertEqual(batch.send(self.c.pool_send_batch, None)[0], "INVALID")
        with self.postel.pool(host="localhost", port=1) as pool:
            self.assertEqual(batch.send(self.c.pool_send_batch, pool.handle), ("OK", None))


class TransactionsTest(SinkCase):
    options = SinkCase.options + ("--limits", "RCPTMAX=2")

    def test_a_message_takes_as_many_transactions_as_it_needs(self):
        result = self.pool().send("many@example.org", ["a@yes.example"] * 5, BODY)
        self.assertEqual((result.status, result.attempts, result.transactions), ("OK", 1, 3))
        ids = [recipient.queue_id for recipient in result.recipients]
        self.assertEqual((len(set(ids)), ids[0], ids[0], ids[2]), (3, ids[1], result.queue_id, ids[3]))
        self.assertEqual(self.sink.stats()["messages"], 3)

    def test_all_or_none_does_not_fit(self):
        pool, c = self.pool(), self.c
        for recipients, status in ((2, "OK"), (3, "UNSUPPORTED")):
            envelope = self.postel.envelope(f"all{recipients}@example.org", *["a@yes.example"] * recipients)
            message = c_void_p(c.message_from_memory(BODY, len(BODY)))
            c.envelope_set_all_or_none(envelope, 1)
            self.assertEqual(pool.send_with_params(envelope, message).status, status)
            c.envelope_free(byref(envelope))
            c.message_free(byref(message))
        self.assertEqual(list(self.sink.ledger()), ["all2@example.org"])


class LmtpTest(SinkCase):
    options = SinkCase.options + ("--final-rcpt", "full@*=452 4.2.2 Full", "--final-rcpt", "spam@*=554 5.7.1 Spam")

    def fields(self, **more):
        return super().fields(port=self.sink.lmtp_port, protocol=binding.PROTOCOL_LMTP, **more)

    def test_each_recipient_has_a_final_reply_of_its_own(self):
        for chunking in (binding.CHUNKING_AUTO, binding.CHUNKING_NEVER):
            with self.subTest(chunking=chunking):
                pool = self.pool(chunking=chunking)
                result = pool.send(f"lmtp{chunking}@example.org", [
                    "a@yes.example", "full@yes.example", "b@no.example", "spam@yes.example", "c@yes.example"], BODY)
                self.assertEqual([(recipient.outcome, recipient.phase, recipient.code) for recipient in result.recipients],
                                 [("ACCEPTED", "final", 250), ("DEFERRED", "final", 452), ("REJECTED", "rcpt", 550),
                                  ("REJECTED", "final", 554), ("ACCEPTED", "final", 250)])
                self.assertEqual((result.status, result.transactions), ("PARTIAL", 1))
                self.assertEqual(result.queue_id, result.recipients[0].queue_id)
                for recipient in result.recipients:
                    self.assertEqual(bool(recipient.queue_id), recipient.outcome == "ACCEPTED")
                self.assertEqual(result.recipients[1].text, b"4.2.2 Full")
                entry = self.sink.ledger()[f"lmtp{chunking}@example.org"]
                self.assertLessEqual({"a@yes.example", "c@yes.example"}, {to["address"] for to in entry["to"]})

    def test_a_connection_knows_its_protocol(self):
        pool = self.pool()
        connection = pool.acquire()
        self.assertEqual(self.c.connection_protocol(connection), binding.PROTOCOL_LMTP)
        pool.release(connection)


class QueryTest(SinkCase):
    options = SinkCase.options + ("--vrfy", "jones@*=250 2.1.5 <jones@yes.example>", "--vrfy", "who=553 5.1.4 Ambiguous",
                                  "--expn", "staff=250 2.1.5 <a@yes.example>")

    def ask(self, query, connection, argument):
        """Status, and the reply where there is one."""
        error, reply = ctypes.create_string_buffer(self.postel.error_size), c_void_p(1)
        status = getattr(self.c, "connection_" + query)(connection, binding.text(argument), 10000, byref(reply), error)
        answer = reply and (self.c.reply_code(reply), self.c.reply_enhanced(reply), self.c.reply_text(reply))
        self.c.reply_free(byref(reply))
        self.assertFalse(reply)
        return binding.STATUSES[status], answer or None

    def test_a_server_is_asked(self):
        pool = self.pool()
        connection = pool.acquire()
        self.assertEqual(self.ask("vrfy", connection, "jones@yes.example"),
                         ("OK", (250, b"2.1.5", b"2.1.5 <jones@yes.example>")))
        status, (code, enhanced, text) = self.ask("vrfy", connection, "who")
        self.assertEqual((status, code, enhanced, text), ("REJECTED", 553, b"5.1.4", b"5.1.4 Ambiguous"))
        self.assertEqual(self.ask("vrfy", connection, "a\r\nRSET"), ("INVALID", None))
        self.assertEqual(self.ask("vrfy", connection, ""), ("INVALID", None))
        self.assertEqual(self.ask("expn", connection, "staff"), ("OK", (250, b"2.1.5", b"2.1.5 <a@yes.example>")))
        status, (code, _, _) = self.ask("help", connection, None)
        self.assertEqual((status, code // 100), ("OK", 2))
        self.postel.call(self.c.connection_rehlo, connection, 10000)
        self.postel.call(self.c.connection_reset, connection, 10000)
        result = self.postel.send(self.c.send, connection, "after@example.org", ["a@yes.example"], BODY)
        self.assertEqual(result.status, "OK")
        pool.release(connection)
        self.assertEqual([self.c.reply_code(None), self.c.reply_enhanced(None), self.c.reply_text(None)], [0, b"", b""])


class LayoutTest(SinkCase):
    """The two structs of which a binding must know the layout."""

    def test_segments(self):
        pool, c = self.pool(), self.c
        parts = (b"Subject: ffi\r", b"", b"\n\r\nfrom ", b"parts\r\n")
        segments = (Segment * len(parts))(*(Segment(part, len(part)) for part in parts))
        envelope = self.postel.envelope("parts@example.org", "a@yes.example")
        message = c_void_p(c.message_from_segments(segments, len(parts)))
        self.assertEqual(pool.send_with_params(envelope, message).status, "OK")
        self.assertEqual(self.sink.ledger()["parts@example.org"]["size"], sum(map(len, parts)))
        c.envelope_free(byref(envelope))
        c.message_free(byref(message))

    def transport(self, streams):
        """Sockets of Python, by a number that stands for the handle."""

        def begin(_, host, port, timeout_ms, stream, reason, reason_size):
            try:
                connected = socket.create_connection((host.decode(), port), timeout_ms / 1000)
            except OSError as fault:
                words = str(fault).encode()[:reason_size - 1] + b"\0"
                ctypes.memmove(reason, words, len(words))
                return 1
            connected.setblocking(False)
            streams.append(connected)
            stream[0] = len(streams)
            return 0

        def read(stream, buffer, size):
            try:
                octets = streams[stream - 1].recv(size)
            except BlockingIOError:
                return binding.TRANSPORT_AGAIN
            except OSError:
                return binding.TRANSPORT_FAULT
            ctypes.memmove(buffer, octets, len(octets))
            return len(octets)

        def write(stream, octets, size):
            try:
                return streams[stream - 1].send(ctypes.string_at(octets, size))
            except BlockingIOError:
                return binding.TRANSPORT_AGAIN
            except OSError:
                return binding.TRANSPORT_FAULT

        def wait(stream, writing, timeout_ms):
            one = [streams[stream - 1]]
            ready = select.select([] if writing else one, one if writing else [], [], timeout_ms / 1000)
            return int(any(ready))

        def close(stream):
            streams[stream - 1].close()

        functions = dict(Transport._fields_)
        return Transport(functions["open"](begin), functions["read"](read), functions["write"](write),
                         functions["wait"](wait), functions["wake"](), functions["start_tls"](), functions["close"](close))

    def test_a_transport_of_python(self):
        streams, config = [], self.postel.config(**self.fields())
        transport = self.transport(streams)
        self.c.config_set_transport(config, byref(transport), None)
        with self.postel.open_pool(config) as pool:
            for number in range(3):
                self.assertEqual(pool.send(f"t{number}@example.org", ["a@yes.example"], BODY).status, "OK")
        self.assertEqual([stream.fileno() for stream in streams], [-1])
        entry = self.sink.ledger()["t2@example.org"]
        self.assertEqual((entry["tls"], entry["user"]), (True, USER))

    def test_a_transport_that_reaches_nobody(self):
        config = self.postel.config(**self.fields(port=1))
        transport = self.transport([])
        self.c.config_set_transport(config, byref(transport), None)
        with self.postel.open_pool(config) as pool, self.assertRaises(PostelError) as caught:
            pool.acquire()
        self.assertEqual((caught.exception.status, caught.exception.phase), ("CONNECT", "connect"))
        self.assertIn("refused", caught.exception.message)
