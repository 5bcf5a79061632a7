# SPDX-License-Identifier: MIT
"""Runs the self-test: selftest.py PROGRAM [unittest options]. Needs nothing but Python's own library."""
import os
import sys
import unittest

sys.dont_write_bytecode = True  # the source directory is not ours to write into
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import SinkCase  # noqa: E402
from test_auth import AuthTest  # noqa: E402,F401
from test_behaviour import BehaviourTest, LimitsTest  # noqa: E402,F401
from test_bodies import BodyTest, ChunkTest  # noqa: E402,F401
from test_command_line import CommandLineTest, ControlTest  # noqa: E402,F401
from test_dialogue import DialogueTest, ExtensionTest  # noqa: E402,F401
from test_faults import FaultTest  # noqa: E402,F401
from test_ledger import LedgerTest  # noqa: E402,F401
from test_lmtp import LmtpTest  # noqa: E402,F401
from test_requested import RequestedTest, VerifyTest  # noqa: E402,F401
from test_tls import TlsTest  # noqa: E402,F401

if __name__ == "__main__":
    SinkCase.program = sys.argv.pop(1)
    unittest.main()
