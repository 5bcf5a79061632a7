# SPDX-License-Identifier: MIT
"""test_ffi.py LIBRARY SINK: uses the shared object as a binding does, by ctypes alone, against a running sink."""
import os
import sys
import unittest

sys.dont_write_bytecode = True  # the source directory is not ours to write into
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import test_batch  # noqa: E402
import test_input  # noqa: E402
import test_sending  # noqa: E402
import test_threads  # noqa: E402
import test_waiting  # noqa: E402
from binding import Postel  # noqa: E402
from case import Case  # noqa: E402


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: test_ffi.py LIBRARY SINK")
    Case.postel, Case.sink_program = Postel(sys.argv[1]), sys.argv[2]
    load = unittest.defaultTestLoader.loadTestsFromModule
    tests = unittest.TestSuite(map(load, (test_input, test_batch, test_threads, test_sending, test_waiting)))
    outcome = unittest.TextTestRunner(verbosity=0).run(tests)
    failed = len({str(test) for test, _ in outcome.failures + outcome.errors})
    print(f"{outcome.testsRun - failed} passed, {failed} failed")
    return 0 if outcome.wasSuccessful() and outcome.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
