# SPDX-License-Identifier: MIT
"""Content by DATA and by BDAT: what is kept of it, where it ends, what is refused."""
import hashlib

from harness import SinkCase

HELLO = b"Subject: x\r\n\r\nhello\r\n"


class BodyTest(SinkCase):
    # What is sent behind 354, and the content that is meant; each goes whole, split in two at every place, and by octets.
    WIRE = [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n...\r\n..a\r\n.\r\n", b".\r\n..\r\n.a\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
        (b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n"),
        (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
        (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n"),
        (b".\rb\r\n.\r\n", b"\rb\r\n"),
        (b".\r\r\n.\r\n", b"\r\r\n"),
        (b"\r\n\r\n.\r\n", b"\r\n\r\n"),
        (b"\r\r\n.\r\n", b"\r\r\n"),
        (b"\0\xff\r\n.\r\n", b"\0\xff\r\n"),
    ]

    def test_reads_content_the_same_however_it_is_cut(self):
        self.start("--ledger", self.path("ledger"), "--store", self.directory)
        client = self.greeted()
        wants = []
        for wire, want in self.WIRE:
            cuts = [[wire], [wire[i:i + 1] for i in range(len(wire))]]
            cuts += [[wire[:i], wire[i:]] for i in range(1, len(wire))]
            for parts in cuts:
                client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA")
                for part in parts:
                    client.send(part)
                self.assertEqual(client.reply()[:3], "250", parts)
                wants.append(want)
        for entry, want in zip(self.ledger(), wants, strict=True):
            bare = b"\r" in want.replace(b"\r\n", b"") or b"\n" in want.replace(b"\r\n", b"")
            self.assertEqual((entry["size"], entry["bare"]), (len(want), bare), want)
            self.assertEqual(entry["sha256"], hashlib.sha256(want).hexdigest())
            with open(self.path(f"{entry['n']:06}.eml"), "rb") as file:
                self.assertEqual(file.read(), want)

    def test_counts_bare_newlines(self):
        self.start()
        client = self.greeted()
        self.deliver(client, b"a\nb\rc\r\nd\r\r\n")
        self.assertEqual(self.stats()["bare_newlines"], 3)

    def test_takes_a_long_message(self):
        self.start("--ledger", self.path("ledger"))
        content = b"".join(b".%d lines of text, some of which begin with a dot\r\n" % i for i in range(60000))
        self.assertEqual(self.deliver(self.greeted(), content)[:3], "250")
        self.assertEqual(self.ledger()[0]["sha256"], hashlib.sha256(content).hexdigest())

    def test_gives_each_message_an_id(self):
        self.start()
        client = self.greeted()
        self.assertEqual(self.deliver(client), "250 2.0.0 OK queued as 00000001")
        self.assertEqual(self.deliver(client), "250 2.0.0 OK queued as 00000002")

    def test_leaves_no_file_of_a_message_that_was_not_accepted(self):
        self.start("--store", self.directory)
        client = self.greeted()
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA")
        client.send("half")
        client.close()
        other = self.greeted()
        other.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        other.send("BDAT 3\r\nabcRSET\r\n")
        self.assertEqual([other.reply()[:3], other.reply()[:3]], ["250", "250"])
        self.stop()
        self.assertEqual(self.files(), [])

    def files(self):
        import os
        return os.listdir(self.directory)


class ChunkTest(SinkCase):
    def open(self, *options):
        self.start("--ledger", self.path("ledger"), *options)
        client = self.greeted()
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        return client

    def bdat(self, client, data, last=False):
        client.send(b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data)
        return client.reply()

    def test_takes_chunks_as_they_are(self):
        client = self.open()
        self.assertEqual(self.bdat(client, b".\r\n..\r"), "250 2.0.0 6 octets")
        self.assertEqual(self.bdat(client, b"\nMAIL FROM:<x@y>\r\n"), "250 2.0.0 24 octets")
        self.assertEqual(self.bdat(client, b"", last=True), "250 2.0.0 OK queued as 00000001")
        entry, = self.ledger()
        self.assertEqual((entry["size"], entry["body"], entry["bare"]), (24, "BDAT", False))
        self.assertEqual(entry["sha256"], hashlib.sha256(b".\r\n..\r\nMAIL FROM:<x@y>\r\n").hexdigest())

    def test_takes_many_messages_in_one_flight(self):
        client = self.open()
        client.say("RSET")
        count = 500
        unit = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT %d LAST\r\n%s" % (len(HELLO), HELLO)
        client.send(unit * count)
        self.assertEqual({client.reply()[:3] for _ in range(3 * count)}, {"250"})
        self.assertEqual(len(self.ledger()), count)

    def test_refuses_but_reads_chunks_out_of_order(self):
        self.start()
        client = self.greeted()
        self.assertEqual(self.bdat(client, b"QUIT\r\n")[:9], "503 5.5.1")
        client.say("MAIL FROM:<a@b>")
        self.assertEqual(self.bdat(client, b"QUIT\r\n", last=True)[:9], "554 5.5.1")
        self.assertEqual(client.say("BDAT x")[:3], "501")
        self.assertEqual(client.say("BDAT 1 FIRST")[:3], "501")
        client.say("RSET", "MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        self.assertEqual(self.bdat(client, b"x")[:3], "250")
        self.assertEqual(client.say("DATA")[:3], "503")
        self.assertEqual(client.say("RCPT TO:<c@d>")[:3], "503")
        self.assertEqual(client.say("MAIL FROM:<c@d>")[:3], "503")
        self.assertEqual(self.bdat(client, b"x", last=True)[:3], "250")

    def test_never_accepts_a_message_that_lacks_a_chunk(self):
        client = self.open("--fault", "bdat#1=451 4.3.0 no")
        self.assertEqual(self.bdat(client, b"QUIT\r\n"), "451 4.3.0 no")
        self.assertEqual(self.bdat(client, b"more\r\n", last=True)[:3], "503")
        self.assertEqual(client.say("RSET")[:3], "250")
        self.assertEqual(self.ledger(), [])

    def test_goes_back_to_data_where_bdat_is_refused(self):
        client = self.open("--fault", "bdat=502 5.5.1 not implemented")
        self.assertEqual(self.bdat(client, b"QUIT\r\n", last=True)[:3], "502")
        self.assertEqual(client.say("RSET")[:3], "250")
        self.assertEqual(self.deliver(client)[:3], "250")

    def test_refuses_some_of_several_chunks_in_one_flight(self):
        client = self.open("--fault", "bdat#2=451 4.3.0 no")
        client.send("BDAT 2\r\nabBDAT 6\r\nQUIT\r\nBDAT 3\r\nabcBDAT 6 LAST\r\nRSET\r\nRSET\r\n")
        self.assertEqual([client.reply()[:3] for _ in range(5)], ["250", "451", "503", "503", "250"])
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        client.send("BDAT 2\r\nabBDAT 3\r\ncdeBDAT 0 LAST\r\n")
        self.assertEqual([client.reply()[:3] for _ in range(3)], ["250"] * 3)
        self.assertEqual([entry["size"] for entry in self.ledger()], [5])

    def test_takes_refused_chunks_for_commands_where_asked(self):
        client = self.open("--fault", "bdat#1=502 5.5.1 no", "--bdat-keeps-refused-chunk")
        client.send("BDAT 15 LAST\r\nNOOP\r\nVRFY x\r\nBDAT 6 LAST\r\nNOOP\r\nRSET\r\n")
        self.assertEqual([client.reply()[:3] for _ in range(6)], ["502", "250", "252", "503", "250", "250"])
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        self.assertEqual(self.bdat(client, b"NOOP\r\n", last=True)[:3], "250")
        self.assertEqual(self.ledger()[0]["size"], 6)
        self.assertEqual(self.control("set bdat-keeps-refused-chunk off"), "ok")
        client.send("BDAT 6 LAST\r\nNOOP\r\nRSET\r\n")
        self.assertEqual([client.reply()[:3] for _ in range(2)], ["503", "250"])

    def test_takes_binary_content_by_chunks_only(self):
        client = self.open()
        client.say("RSET")
        self.assertEqual(client.say("MAIL FROM:<a@b> BODY=BINARYMIME", "RCPT TO:<c@d>", "DATA")[2][:9], "503 5.5.1")
        content = bytes(range(256)) + b"\n.\r.\r\n.\r\n"
        self.assertEqual(self.bdat(client, content, last=True)[:3], "250")
        entry, = self.ledger()
        self.assertEqual((entry["sha256"], entry["body"], entry["mail_params"]),
                         (hashlib.sha256(content).hexdigest(), "BDAT", ["BODY=BINARYMIME"]))
        self.assertEqual(self.deliver(client)[:3], "250")

    def test_offers_no_binary_without_chunks(self):
        for extension in ("CHUNKING", "8BITMIME", "BINARYMIME"):
            self.start("--without", extension)
            client = self.greeted()
            self.assertNotIn("BINARYMIME", client.say("EHLO x"))
            self.assertRegex(client.say("MAIL FROM:<a@b> BODY=BINARYMIME"), "^5[05][15] 5.5.4")
            self.stop()

    def test_without_chunking_takes_a_chunk_for_commands(self):
        client = self.open("--without", "CHUNKING")
        self.assertEqual(self.bdat(client, b"QUIT\r\n")[:3], "500")
        self.assertEqual(client.reply()[:3], "221")
