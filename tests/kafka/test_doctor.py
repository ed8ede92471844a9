"""dideban doctor --kafka: what is wrong with a broker's topics and rights is found before serve meets it, with the cure."""
import json, unittest

from broker import *


class Doctor(KafkaCase):
    def doctor(self, config, status=0):
        """What it found about Kafka: {check: [(verdict, found, cure)]}."""
        rows = self.dideban("doctor", "--kafka", "--json", "--config", config, status=status).rows
        found = {}
        for r in rows:
            self.assertEqual(r["cure"] == "", r["verdict"] == "ok", r)
            found.setdefault(r["check"], []).append((r["verdict"], r["found"], r["cure"]))
        return found

    def one(self, found, check, name):
        """The one finding of a check about one of our topics."""
        rows = [r for r in found.get(check, []) if name in r[1]]
        self.assertEqual(len(rows), 1, (check, name, found.get(check)))
        return rows[0]

    def bad(self, found):
        return sorted({(check, v) for check, rows in found.items() for v, _, _ in rows if v != "ok"} - {("replicas", "warn"), ("broker's clock", "warn")} - MACHINE)

    def test_good(self):
        "nothing is wrong with topics as the documentation has them made; nothing that it wrote is to be seen, and a serve beside it goes on"
        self.topics("in")
        conf = self.config("in")
        sv = self.serve(conf)
        self.positions_reach(sv, 3)
        found = self.doctor(conf)
        self.assertEqual(self.bad(found), [])
        # One node: the only warning.
        self.assertIn("stand on one broker alone", found["replicas"][0][1])
        self.assertIn("from 4.0 on", found["version"][0][1])
        # No topic is stamped: what was not looked at is not called good.
        self.assertEqual(found["broker's clock"][0][0], "warn")
        self.assertIn("was not compared", found["broker's clock"][0][1])
        self.assertIn("LogAppendTime", found["broker's clock"][0][2])
        self.assertEqual(len(found["write"]), len(AUDIENCES) + 1)
        self.assertIn("published up to journal record", found["marks"][0][1])
        self.assertEqual([published(self.topic(a)) for a in AUDIENCES], [[]] * len(AUDIENCES))
        self.assertTrue(sv.running(), sv.said())
        self.assertEqual(sv.stop()[0], 0, sv.said())
        human = self.dideban("doctor", "--kafka", "--config", conf).out
        self.assertIn("0 fail", human)

    def test_no_section(self):
        "without a section kafka: a usage error that names the cure"
        done = self.dideban("doctor", "--kafka", "--config", self.write("none.yaml", "instance: x\nstore: %s\n" % self.store), status=2)
        self.assertIn("has no section kafka", done.err)

    def test_missing(self):
        "a topic that is missing: each is named with the command that makes it"
        admin("create", self.topic("judge"), 1)
        found = self.doctor(self.config("in"), status=1)
        for name in ("in", "police", "gate", "supervisor", "marks"):
            v, _, cure = self.one(found, "topic", "no topic " + self.topic(name))
            self.assertEqual(v, "fail")
            self.assertIn("--create --topic " + self.topic(name), cure)
        self.assertIn("cleanup.policy=compact", self.one(found, "topic", self.topic("marks"))[2])
        self.assertEqual(self.one(found, "write", self.topic("judge"))[0], "ok")

    def test_pattern(self):
        "a pattern that matches nothing is a warning, one that matches is looked through"
        self.topics("in.a", "in.b")
        self.assertEqual(self.one(self.doctor(self.config(ALL % ("pattern", self.name + "[.]nothing"))), "topic", "nothing")[0], "warn")
        found = self.doctor(self.config(ALL % ("pattern", self.name + "[.]in[.].*")))
        self.assertEqual([self.one(found, "read", self.topic(t))[0] for t in ("in.a", "in.b")], ["ok", "ok"])

    def test_settings(self):
        "short retention, compacted input and alerts, marks that are not compacted, small messages: found, each with its setting"
        for name, *settings in (("short", "retention.ms=3600000"), ("small", "retention.bytes=1000000"), ("compacted", "cleanup.policy=compact"),
                                ("judge", "cleanup.policy=compact"), ("police", "max.message.bytes=20000"), ("gate",), ("supervisor", "retention.ms=1000"), ("marks",)):
            admin("create", self.topic(name), 1, *settings)
        found = self.doctor(self.config("short", "small", "compacted"), status=1)
        for check, name, verdict, cure in (("retention", "short", "warn", "retention.ms=604800000"), ("retention", "small", "warn", "retention.bytes=-1"),
                                           ("cleanup", "compacted", "fail", "cleanup.policy=delete"), ("cleanup", "judge", "fail", "cleanup.policy=delete"),
                                           ("message size", "police", "warn", "max.message.bytes=1048588"), ("cleanup", "marks", "fail", "cleanup.policy=compact")):
            row = self.one(found, check, self.topic(name) + " ")
            self.assertEqual(row[0], verdict, row)
            self.assertIn(cure, row[2])
        self.assertEqual(self.bad(found), [("cleanup", "fail"), ("message size", "warn"), ("retention", "warn")])

    def test_marks_deleted_too(self):
        "marks that are compacted and deleted by age are as bad as none"
        self.topics("in")
        admin("delete", self.topic("marks"))
        self.wait(lambda: self.again(), "the topic can be made again")
        self.assertEqual(self.one(self.doctor(self.config("in"), status=1), "cleanup", self.topic("marks"))[0], "fail")

    def again(self):
        try:
            admin("create", self.topic("marks"), 1, "cleanup.policy=compact,delete")
            return True
        except AssertionError:
            return False

    def test_too_few_in_sync(self):
        "a topic that takes no messages for want of replicas is found without waiting for it"
        self.topics("in")
        admin("create", self.topic("other"), 1, "min.insync.replicas=2")
        with open(self.config("in"), encoding="utf8") as f:
            text = f.read().replace("gate: %s.gate" % self.name, "gate: %s.other" % self.name)
        found = self.doctor(self.write("few.yaml", text), status=1)
        self.assertEqual(self.one(found, "replicas", self.topic("other"))[0], "fail")
        self.assertEqual([r for r in found["write"] if self.topic("other") in r[1]], [])

    def test_clock(self):
        "a topic that the broker stamps tells its clock: it runs on this machine"
        self.topics("in")
        admin("create", self.topic("stamped"), 1, "message.timestamp.type=LogAppendTime")
        with open(self.config("in"), encoding="utf8") as f:
            text = f.read().replace("gate: %s.gate" % self.name, "gate: %s.stamped" % self.name)
        found = self.doctor(self.write("stamped.yaml", text))
        self.assertRegex(found["broker's clock"][0][1], r"^as ours, give or take \d+ ms$|^\d{1,3} ms (behind|before) ours")

    def test_rights(self):
        "rights that are missing: each is tried, and the cure is the grant"
        self.topics("in", "hidden", "unread")
        for what in (("topic", self.topic("hidden"), "describe"), ("topic", self.topic("unread"), "read"), ("topic", self.topic("judge"), "write"),
                     ("topic", self.topic("police"), "settings"), ("group", "dideban-" + self.name, "describe")):
            admin("deny", *what)
        found = self.doctor(self.config("in", "hidden", "unread"), status=1)
        for check, name, verdict, cure in (("topic", self.topic("hidden"), "fail", "--operation Describe"), ("read", self.topic("unread"), "fail", "--operation Read"),
                                           ("write", self.topic("judge"), "fail", "--operation Write"), ("settings", self.topic("police"), "warn", "--operation DescribeConfigs"),
                                           ("group", self.name, "warn", "--group dideban-" + self.name)):
            row = self.one(found, check, name)
            self.assertEqual(row[0], verdict, row)
            self.assertIn(cure, row[2])
        self.assertEqual([self.one(found, "read", self.topic("in:"))[0], self.one(found, "write", self.topic("gate"))[0]], ["ok", "ok"])

    def test_marks_unread(self):
        "marks that may not be read"
        self.topics("in")
        admin("deny", "topic", self.topic("marks"), "read")
        row = self.one(self.doctor(self.config("in"), status=1), "read", self.topic("marks"))
        self.assertEqual(row[0], "fail")
        self.assertIn("--operation Read", row[2])

    def test_transactional_id(self):
        "a transactional id that is not granted"
        self.topics("in")
        tool("acl", FOLDER, "--add", "--deny-principal", "User:*", "--operation", "Write", "--transactional-id", "dideban-%s-doctor" % self.name)
        row = self.one(self.doctor(self.config("in"), status=1), "transactions", self.name)
        self.assertEqual(row[0], "fail")
        self.assertIn("--transactional-id dideban-%s " % self.name, row[2])

    def test_away(self):
        "no broker: exit 5 within ten seconds, with the reason and the cure"
        free = socket.create_server(("127.0.0.1", 0))       # bound, so that nobody takes it; nobody accepts
        for broker, says in (("127.0.0.1:1", "refused"), ("127.0.0.1:%d" % free.getsockname()[1], "does not answer"), ("no.such.host.invalid:9092", "does not answer")):
            begin = time.monotonic()
            found = self.doctor(self.config("in", broker=broker), status=5)
            self.assertLess(time.monotonic() - begin, 14)
            v, text, cure = found["broker"][0]
            self.assertEqual(v, "fail")
            self.assertIn(says, text)
            self.assertIn("kafka: brokers", cure)
        free.close()

    def test_refused_settings(self):
        "settings that serve would refuse are refused here"
        found = self.doctor(self.config("in", settings="  settings: {isolation.level: read_uncommitted}\n"), status=1)
        self.assertIn("is the program's own", found["settings"][0][1])

    def test_alerts_to_nobody(self):
        "with `alerts: none` nothing is written and no topic for alerts is wanted"
        admin("create", self.topic("in"), 1)
        conf = self.write("none.yaml", "instance: %s\nstore: %s\nkafka:\n  brokers: %s\n  alerts: none\n  topics:\n%s" % (self.name, self.store, BROKER, ALL % ("topic", self.topic("in"))))
        found = self.doctor(conf)
        self.assertNotIn("write", found)
        self.assertNotIn("marks", found)


# What the machine of the test may say of itself.
MACHINE = {(check, "warn") for check in ("file system", "disk space", "memory", "sync", "terminal", "grants")}

if __name__ == "__main__":
    unittest.main()
