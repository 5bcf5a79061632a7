# SPDX-License-Identifier: MIT
"""Calls that block: what else runs meanwhile, and what ends them."""
from ctypes import byref, c_void_p

import binding
from binding import PostelError
from case import BODY, SinkCase, run_threads, until


class WaitingTest(SinkCase):
    def test_other_threads_run_while_a_send_blocks(self):
        """The server never answers: only another Python thread can end the send before its time runs out."""
        self.sink.set("set fault final=stall")
        pool, c, results = self.pool(), self.c, []
        connection = pool.acquire()
        sending = binding.STATES.index("sending")

        def interrupt():
            until(lambda: results or c.connection_state(connection) == sending)
            c.connection_interrupt(connection)

        run_threads([interrupt, lambda: results.append(
            self.postel.send(c.send, connection, "held@example.org", ["a@yes.example"], BODY, 20000))])
        self.assertEqual(results[0].status, results[0].error.status)
        self.assertIn((results[0].status, results[0].recipients[0].outcome),
                      [("UNKNOWN", "UNKNOWN"), ("INTERRUPTED", "NOT_SENT")])
        self.assertIn("interrupt", results[0].error.message)
        pool.release(connection)

    def test_a_time_that_runs_out_is_told(self):
        """By BDAT the whole message has left by then, and nobody can say what became of it: from the second on a session."""
        for chunking, status, outcome in ((binding.CHUNKING_NEVER, "TIMEOUT", "NOT_SENT"),
                                          (binding.CHUNKING_AUTO, "UNKNOWN", "UNKNOWN")):
            with self.subTest(chunking=chunking):
                pool = self.pool(chunking=chunking)
                self.sink.set("clear fault")
                self.assertEqual(pool.send("early@example.org", ["a@yes.example"], BODY, 20000).status, "OK")
                self.sink.set("set fault mail=stall")
                result = pool.send("late@example.org", ["a@yes.example"], BODY, 300)
                self.assertEqual((result.status, result.recipients[0].outcome), (status, outcome))
                self.assertEqual((result.recipients[0].phase, result.error.phase), ("mail", "mail"))

    def test_timeouts_are_ints_of_milliseconds(self):
        pool = self.pool(pool_size=1, timeout_ms=50)
        connection = pool.acquire()
        for timeout_ms, status in (
                (0, "TIMEOUT"), (20, "TIMEOUT"), (-1, "TIMEOUT"), (-2, "INVALID"), (-2**31, "INVALID")):
            with self.subTest(timeout_ms=timeout_ms), self.assertRaises(PostelError) as caught:
                pool.acquire(timeout_ms)
            self.assertEqual(caught.exception.status, status)
            if status == "TIMEOUT":
                self.assertEqual(caught.exception.phase, "pool")
                self.assertRegex(caught.exception.message, "1 .*leased")
        pool.release(connection)
        self.assertEqual(pool.statistics()["wait_timeouts"], 3)

    def test_closing_a_pool_wakes_who_waits(self):
        pool, faults = self.pool(pool_size=1), []
        connection, address = pool.acquire(), c_void_p(pool.handle.value)

        def wait():
            try:
                pool.acquire()
            except PostelError as fault:
                faults.append(fault.status)

        def close():
            until(lambda: faults or pool.statistics()["waiting"])
            pool.close(0)

        run_threads([wait, close])
        self.assertEqual(faults, ["CLOSED"])
        self.assertEqual((self.c.pool_release(address, byref(connection)), connection.value), (0, None))
