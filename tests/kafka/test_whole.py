"""Through Kafka as from a file: the same standing alerts, each message once."""
import unittest

from broker import *
import lib
from made import *


class Whole(KafkaCase):
    minutes = 2

    def through(self, events, n):
        """Streams a file of events through three partitions; compares with `dideban run`."""
        self.topics("in")
        kcat("-P", "-t", self.topic("in"), "-p", -1, "-l", events)
        sv = self.serve(self.config("in"))
        self.consumed(sv, n)
        status, summary = sv.stop()
        self.assertEqual(status, 0, sv.said())
        self.assertEqual((summary["consumed"], summary["quarantined"]), (n, 0))
        want = self.expected(events)
        self.assertEqual(self.standing(self.store), want)
        self.assertGreater(len(want), 0)
        self.assertGreater(self.check_published(), 0)

    def made(self, kind, n=20000):
        path = lib.workload(kind, n)
        with open(path, "rb") as f:
            self.through(path, sum(1 for _ in f))

    @needs_shared("bench")
    def test_witness(self):
        "witness: the same standing alerts as from a file, each message once"
        self.made("witness")

    @needs_shared("bench")
    def test_gate(self):
        "gate: the same standing alerts as from a file, each message once"
        self.made("gate")

    @needs_shared("bench")
    def test_expert(self):
        "expert: the same standing alerts as from a file, each message once"
        self.made("expert", 60000)

    @needs_shared("bench")
    def test_lifecycle(self):
        "lifecycle: the same standing alerts as from a file, each message once"
        self.made("lifecycle")

    @needs_shared("bench")
    def test_register(self):
        "register: the same standing alerts as from a file, each message once"
        self.made("register")

    @needs_shared("data")
    def test_old_bailey(self):
        "Old Bailey: the same standing alerts as from a file, each message once"
        path = old_bailey()
        with open(path, "rb") as f:
            self.through(path, sum(1 for _ in f))


if __name__ == "__main__":
    unittest.main()
