# SPDX-License-Identifier: MIT
"""Many threads and one pool, told message by message and compared with what the server has."""
import base64
import hashlib

import binding
from case import SESSIONS, SinkCase, run_threads
from sink import PASSWORD, USER

THREADS, MESSAGES = 16, 320

# Domain of a recipient: outcome, code, enhanced status code.
WANTED = {
    "yes.example": ("ACCEPTED", 250, "2.0.0"),
    "no.example": ("REJECTED", 550, "5.1.1"),
    "later.example": ("DEFERRED", 450, "4.2.1"),
}
# The domains of a message's recipients: its status.
MIXES = {
    ("yes.example",): "OK",
    ("yes.example", "no.example"): "PARTIAL",
    ("later.example", "yes.example", "no.example", "yes.example"): "PARTIAL",
    ("no.example", "no.example"): "REJECTED",
    ("no.example", "later.example"): "DEFERRED",
}


class ThreadsTest(SinkCase):
    def message(self, number):
        """Its reverse-path, recipients, content and status."""
        domains, status = list(MIXES.items())[number % len(MIXES)]
        recipients = [f"r{i}.{number}@{domain}" for i, domain in enumerate(domains)]
        content = f"Subject: Bericht {number} für €\r\n\r\n.\r\n".encode() + b"\xff\xfe\r\n" * number
        return f"s{number}@example.org", recipients, content, status

    def send(self, pool, numbers, results):
        for number in numbers:
            sender, recipients, content, _ = self.message(number)
            results[number] = pool.send(sender, recipients, content)

    def check_result(self, number, result, ledger):
        sender, recipients, content, status = self.message(number)
        self.assertEqual((result.status, result.attempts), (status, 1))
        self.assertEqual([recipient.address for recipient in result.recipients], recipients)
        for recipient in result.recipients:
            outcome, code, enhanced = WANTED[recipient.address.split("@")[1]]
            self.assertEqual((recipient.outcome, recipient.code, recipient.enhanced), (outcome, code, enhanced))
            self.assertEqual(recipient.phase, "final" if outcome == "ACCEPTED" else "rcpt")
        self.assertEqual(result.error is None, status == "OK")

        accepted = [recipient.address for recipient in result.recipients if recipient.outcome == "ACCEPTED"]
        self.assertEqual(sender in ledger, bool(accepted))
        if not accepted:
            self.assertEqual(result.queue_id, "")
            return
        entry = ledger[sender]
        self.assertEqual([to["address"] for to in entry["to"]], accepted)
        self.assertEqual((entry["size"], entry["sha256"]), (len(content), hashlib.sha256(content).hexdigest()))
        self.assertEqual((entry["tls"], entry["user"]), (True, USER))
        self.assertIn("BODY=8BITMIME", entry["mail_params"])
        self.assertEqual((result.phase, result.code, int(result.queue_id, 16)), ("final", 250, entry["n"]))

    def test_sixteen_threads_send_through_one_pool(self):
        pool, results = self.pool(), {}
        run_threads([lambda first=first: self.send(pool, range(first, MESSAGES, THREADS), results)
                     for first in range(THREADS)])
        self.assertEqual(sorted(results), list(range(MESSAGES)))
        ledger = self.sink.ledger()
        for number, result in results.items():
            self.check_result(number, result, ledger)

        outcomes = [recipient.outcome for result in results.values() for recipient in result.recipients]
        statistics = pool.statistics()
        for outcome in binding.OUTCOMES:
            self.assertEqual(statistics[outcome.lower()], outcomes.count(outcome))
        self.assertEqual((statistics["messages"], statistics["retries"], statistics["leased"]), (MESSAGES, 0, 0))
        self.assertLessEqual(statistics["peak_sessions"], SESSIONS)
        self.assertEqual(statistics["open"], statistics["idle"])
        server = self.sink.stats()
        self.assertEqual(server["authentications"], statistics["sessions_opened"])
        self.assertLessEqual(server["peak_connections"], SESSIONS)

    def test_a_trace_is_called_from_many_threads_and_holds_no_secret(self):
        lines = []

        def trace(_, session, kind, line, size):
            lines.append((session, kind, line))
            if len(line) != size:
                lines.append("a size that is none")

        callback, results, config = binding.TRACE(trace), {}, self.postel.config(**self.fields())
        self.c.config_set_trace(config, callback, None)
        with self.postel.open_pool(config) as pool:
            run_threads([lambda first=first: self.send(pool, range(first, 20, 4), results) for first in range(4)])
        self.assertEqual({type(line) for line in lines}, {tuple})
        mails = [line for _, kind, line in lines if kind == binding.TRACE_SENT and line.startswith(b"MAIL FROM:")]
        self.assertEqual(len(mails), 20)
        shown = b"\n".join(line for _, _, line in lines)
        for secret in (PASSWORD.encode(), base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())):
            self.assertNotIn(secret, shown)
