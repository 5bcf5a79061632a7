# SPDX-License-Identifier: MIT
"""What the tests stand on: the loaded library, a running sink, threads."""
import threading
import time
import unittest

import binding
from sink import PASSWORD, USER, Sink

SESSIONS = 4
BODY = b"Subject: ffi\r\n\r\nhello\r\n"


def run_threads(functions):
    """All at once; the first exception comes out again."""
    faults = []

    def guarded(function):
        try:
            function()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def until(condition):
    """Looks again and again: whoever it waits for makes it true, also by failing."""
    while not condition():
        time.sleep(0.001)


class Case(unittest.TestCase):
    postel = None  # the runner sets these
    sink_program = None

    @property
    def c(self):
        return self.postel.c


class SinkCase(Case):
    options = ("--refuse-rcpt", "*@no.example=550 5.1.1 No such mailbox", "--refuse-rcpt",
               "*@later.example=450 4.2.1 Mailbox busy")

    def setUp(self):
        self.sink = Sink(self.sink_program, *self.options)
        self.addCleanup(self.sink.stop)

    def fields(self, **more):
        return {"host": "127.0.0.1", "server_name": "localhost", "port": self.sink.port, "tls": binding.TLS_IMPLICIT,
                "ca_file": self.sink.ca_file, "user": USER, "password": PASSWORD, "pool_size": SESSIONS, **more}

    def pool(self, **more):
        pool = self.postel.pool(**self.fields(**more))
        self.addCleanup(pool.close)
        return pool
