"""What may be in a topic, and what may happen to it."""
import json, os, subprocess, unittest

from broker import *
from made import *


class Source(KafkaCase):
    minutes = 1

    def done(self, sv, n):
        """Stops it after n events: its summary."""
        self.consumed(sv, n)
        status, summary = sv.stop()
        self.assertEqual(status, 0, sv.said())
        return summary

    def quarantined(self):
        return self.dideban("quarantine", "list", "--store", self.store, "--json").rows

    def subjects(self, *names):
        return [len(self.dideban("timeline", "person/x-name:" + n, "--store", self.store, "--json").rows) for n in names]

    def test_poisoned(self):
        "garbage, a megabyte of it, an empty message, one without value, bad JSON: quarantined with topic, partition and offset, and nothing stops"
        self.topics("in", partitions=1)
        t = self.topic("in")
        send(t, [testimony("t0", 0, "C0")])
        kcat("-P", "-t", t, "-p", 0, self.write("garbage", os.urandom(1000 * 1000 - 200).replace(b"\n", b"x")))
        kcat("-P", "-t", t, "-p", 0, "-Z", "-K", "!", stdin=b"key!\n")
        kcat("-P", "-t", t, "-p", 0, self.write("empty", b"\xff\xfe\x00\x01"))
        send(t, ['{"specversion": "1.0", "id": \n', "[]\n"])
        send(t, [testimony("t1", 10, "C1")])
        summary = self.done(self.serve(self.config("in")), 7)
        self.assertEqual((summary["consumed"], summary["processed"], summary["quarantined"]), (7, 2, 5))
        rows = {r["position"]: r for r in self.quarantined()}
        self.assertEqual(sorted(rows), ["%s/0:%d" % (t, i) for i in (1, 2, 3, 4, 5)])
        self.assertEqual(rows["%s/0:1" % t]["reason"], "too_large")
        self.assertEqual(rows["%s/0:2" % t]["reason"], "bad_json")
        self.assertIn("without value", rows["%s/0:2" % t]["detail"])
        # What was consumed is not consumed again.
        sv = self.serve(self.config("in"))
        self.positions_reach(sv, 1)
        self.assertEqual(sv.stop()[1]["consumed"], 0)

    def test_binary_mode(self):
        "CloudEvents in binary mode: headers are the attributes, the value is the data"
        self.topics("in", partitions=1)
        for i, row in enumerate(four_cases()):
            headers = ["-H", "content-type=application/json"]
            for k in ("specversion", "id", "source", "type", "time"):
                headers += ["-H", "ce_%s=%s" % (k, row[k])]
            if i == 2:
                headers += ["-H", "ce_traceparent=00-ab"]
            kcat("-P", "-t", self.topic("in"), "-p", 0, *headers, self.write("data%d" % i, json.dumps(row["data"])))
        kcat("-P", "-t", self.topic("in"), "-p", 0, "-H", "ce_specversion=1.0", "-H", "ce_id=a", "-H", "ce_id=b", self.write("twice", "{}"))
        summary = self.done(self.serve(self.config("in")), 5)
        self.assertEqual((summary["processed"], summary["quarantined"]), (4, 1))
        self.assertEqual([r["reason"] for r in self.quarantined()], ["duplicate_key"])
        self.assertEqual(self.standing(self.store), self.expected(self.events("e", four_cases())))

    def test_compression(self):
        "each codec is read alike"
        self.topics("in", partitions=1)
        for i, codec in enumerate(("none", "gzip", "snappy", "lz4", "zstd")):
            send(self.topic("in"), [testimony("t%d-%d" % (i, k), k, "C%d-%d" % (i, k)) for k in range(20)], "-z", codec)
        summary = self.done(self.serve(self.config("in")), 100)
        self.assertEqual(summary["processed"], 100)

    def test_grants(self):
        "each topic brings the sources and types that it is granted; anything else is not_allowed"
        self.topics("courts", "gates", partitions=1)
        send(self.topic("courts"), [testimony("t", 0, "C0"), issued("w", "W1", 0), passed("g", 1)])
        send(self.topic("gates"), [passed("g", 1), testimony("u", 0, "C0")])
        entry = '    - {topic: "%s", sources: ["%s"], types: [%s]}\n'
        summary = self.done(self.serve(self.config(entry % (self.topic("courts"), "/courts", '"testimony.given", "warrant.*"'), entry % (self.topic("gates"), "/gates", '"gate.passed"'))), 5)
        self.assertEqual((summary["processed"], summary["quarantined"]), (3, 2))
        self.assertEqual(sorted((r["reason"], r["position"]) for r in self.quarantined()), [("not_allowed", self.topic("courts") + "/0:2"), ("not_allowed", self.topic("gates") + "/0:1")])

    def test_pattern_and_new_topics(self):
        "a pattern takes in topics that come later, and partitions that are added"
        self.topics("in.a", partitions=1)
        send(self.topic("in.a"), [testimony("a0", 0, "C0", "x-name:A")])
        sv = self.serve(self.config(ALL % ("pattern", self.name.replace("-", "[-]") + "[.]in[.].*")))
        self.consumed(sv, 1)
        admin("create", self.topic("in.b"), 2)
        admin("grow", self.topic("in.a"), 3)
        send(self.topic("in.b"), [testimony("b0", 0, "C0", "x-name:B")])
        self.wait(lambda: self.metrics(sv).get("dideban_kafka_source_partitions") == 5, "five partitions are read", sv)
        send(self.topic("in.a"), [testimony("a1", 0, "C1", "x-name:A")], partition=2)
        self.done(sv, 3)
        self.assertEqual(self.subjects("A", "B"), [2, 1])

    def test_topic_comes_later(self):
        "a topic that is not there yet is waited for, and said so once"
        self.topics()
        sv = self.serve(self.config("late"))
        self.wait(lambda: "there is no topic" in sv.said(), "it says that it waits", sv)
        admin("create", self.topic("late"), 1)
        send(self.topic("late"), [testimony("t", 0, "C0")])
        self.done(sv, 1)
        self.assertEqual(sv.said().count("there is no topic"), 1, sv.said())

    def test_retention_overtakes(self):
        "messages that retention deleted before they were read are said and counted; reading goes on with the oldest that is left"
        self.topics("in", partitions=1)
        send(self.topic("in"), [testimony("t%d" % i, i, "C%d" % i) for i in range(10)])
        self.assertEqual(self.done(self.serve(self.config("in")), 10)["processed"], 10)
        send(self.topic("in"), [testimony("u%d" % i, i, "D%d" % i) for i in range(10)])
        admin("truncate", self.topic("in"), 0, 14)
        sv = self.serve(self.config("in"))
        self.consumed(sv, 6)
        self.assertEqual(self.metrics(sv)["dideban_kafka_source_missed_total"], 4)
        self.assertIn("messages 10 to 13 were deleted by its retention", sv.said())
        self.assertEqual(sv.stop()[1]["processed"], 6)

    def test_truncated_behind(self):
        "what was read already may be deleted: nothing is missed, nothing is said"
        self.topics("in", partitions=1)
        send(self.topic("in"), [testimony("t%d" % i, i, "C%d" % i) for i in range(10)])
        self.done(self.serve(self.config("in")), 10)
        admin("truncate", self.topic("in"), 0, 10)
        send(self.topic("in"), [testimony("u", 1, "D")])
        sv = self.serve(self.config("in"))
        self.consumed(sv, 1)
        self.assertEqual(self.metrics(sv)["dideban_kafka_source_missed_total"], 0)
        self.assertNotIn("deleted", sv.said())
        sv.stop()

    def remade(self, n):
        """A topic of ten events is deleted and made again with n others while nobody reads."""
        self.topics("in", partitions=1)
        send(self.topic("in"), [testimony("t%d" % i, i, "C%d" % i) for i in range(10)])
        self.done(self.serve(self.config("in")), 10)
        admin("delete", self.topic("in"))
        self.wait(lambda: self.create_again(), "the topic can be made again")
        send(self.topic("in"), [testimony("v%d" % i, i, "E%d" % i, "x-name:V") for i in range(n)])
        sv = self.serve(self.config("in"))
        self.consumed(sv, n)
        self.assertIn("deleted and made again", sv.said())
        self.assertEqual(sv.stop()[1]["processed"], n)
        self.assertEqual(self.subjects("A", "V"), [10, n])
        # The second topic has a position of its own.
        send(self.topic("in"), [testimony("w", 1, "F", "x-name:V")])
        self.assertEqual(self.done(self.serve(self.config("in")), 1)["consumed"], 1)
        places = {r["id"]: r["position"].rsplit("/", 1)[1] for r in self.dideban("timeline", "person/x-name:V", "--store", self.store, "--json").rows}
        self.assertEqual(places["w"], "0#2:%d" % n)

    def test_whatever_came_last(self):
        "whatever the last message was - retracted, a retraction, a duplicate, not allowed, empty - a restart goes on behind it"
        self.topics("in", partitions=1)
        t = self.topic("in")
        entry = '    - {topic: "%s", sources: ["/courts"], types: ["*"], corrections: true}\n' % t
        conflict = testimony("t0", 3, "C9")
        steps = [[testimony("t0", 0, "C0"), testimony("t1", 1, "C1")], [retraction("r1", "t1", 2)], [testimony("t1", 1, "C1")], [testimony("t0", 0, "C0")], [conflict],
                 [testimony("u", 0, "C0", source="/elsewhere")], ["{"], [testimony("t2", 4, "C2")]]
        for i, step in enumerate(steps):
            send(t, step)
            if i == 3:
                kcat("-P", "-t", t, "-p", 0, "-Z", "-K", "!", stdin=b"key!\n")
            sv = self.serve(self.config(entry))
            self.consumed(sv, len(step) + (i == 3))
            self.assertNotIn("made again", sv.said(), step)
            self.assertEqual(sv.stop()[1]["consumed"], len(step) + (i == 3), step)

    def create_again(self):
        try:
            admin("create", self.topic("in"), 1)
            return True
        except AssertionError:
            return False

    def test_made_again_shorter(self):
        "a topic that was deleted and made again with fewer messages is read from its beginning"
        self.remade(4)

    def test_made_again_longer(self):
        "the same with more messages than were read of the first: the last message read is not what it was"
        self.remade(25)

    def test_deleted_while_read(self):
        "a topic that is deleted under the reader is waited for, and read from its beginning when it is there again"
        # On a busy machine librdkafka never ended one reader in five whose topic was deleted: DIDEBAN_DEEP looks longer for that.
        for k in range(25 if DEEP else 1):
            self.name, self.store = "%s-%d" % (self.name, k), self.path("store%d" % k)
            self.topics("in", partitions=1)
            send(self.topic("in"), [testimony("t%d" % i, i, "C%d" % i) for i in range(5)])
            sv = self.serve(self.config("in"))
            self.consumed(sv, 5)
            admin("delete", self.topic("in"))
            self.wait(lambda: "is gone" in sv.said(), "it says that the topic is gone", sv)
            self.wait(lambda: self.create_again(), "the topic can be made again")
            send(self.topic("in"), [testimony("v%d" % i, i, "E%d" % i, "x-name:V") for i in range(9)])
            self.done(sv, 14)
            self.assertEqual(self.subjects("A", "V"), [5, 9])

    def test_transactions_of_others(self):
        "messages of a transaction that was aborted are not events"
        self.topics("in", partitions=1)
        subprocess.run(["kcat", "-b", BROKER, "-P", "-t", self.topic("in"), "-X", "transactional.id=" + self.name + "x", "-l", self.events("good", [testimony("t", 0, "C")])],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sv = self.serve(self.config("in"))
        self.consumed(sv, 1)
        # Behind the message stands the record of its commit: that is no lag.
        self.positions_reach(sv, 1)
        sv.stop()

    def test_secrets_and_settings(self):
        "settings are handed through; a password stands in a file; what is ours, wrong or secret is refused with its place"
        self.topics("in", partitions=1)
        for settings, says in (('{security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: secret}', "no secret stands in the configuration"),
                               ('{isolation.level: read_uncommitted}', "is the program's own"), ('{no.such.thing: 1}', "No such configuration property"),
                               ('{sasl.password_file: /nonexistent}', "/nonexistent")):
            done = self.dideban("serve", "--config", self.config("in", settings="  settings: %s\n" % settings), status=2)
            self.assertIn(says, done.err)
        self.write("secret", "s3cret\n")
        sv = self.serve(self.config("in", settings="  settings: {sasl.password_file: secret, sasl.username: u, sasl.mechanism: PLAIN, socket.keepalive.enable: true}\n"))
        send(self.topic("in"), [testimony("t", 0, "C0")])
        self.done(sv, 1)

    def test_encrypted(self):
        "over TLS with a password, events in and alerts out; a wrong password or an unknown authority is said, and nothing is read"
        self.topics("in", partitions=1)
        send(self.topic("in"), four_cases())
        entry = "  settings: {security.protocol: sasl_ssl, sasl.mechanism: %s, sasl.username: dideban, sasl.password_file: %s%s}\n"
        authority = ", ssl.ca.location: " + os.path.join(FOLDER, "ca.pem")
        wrong, right = self.write("wrong", "not-it\n"), os.path.join(FOLDER, "password")
        for name, settings, says in (("w", entry % ("PLAIN", wrong, authority), "uthentication failed"),
                                     ("u", entry % ("PLAIN", right, ""), "certificate verify failed")):
            sv = self.serve(self.config("in", broker=SECURE, settings=settings, name=name + ".yaml", store=self.path(name)))
            self.wait(lambda: says in sv.said(), "it says why", sv)
            self.assertNotIn("not-it", sv.said())
            self.assertEqual(sv.stop()[1]["consumed"], 0)
        sv = self.serve(self.config("in", broker=SECURE, settings=entry % ("PLAIN", right, authority)))
        self.positions_reach(sv, 1)
        self.done(sv, 4)
        self.assertGreater(self.check_published(), 0)
        self.dideban("doctor", "--kafka", "--config", self.path("config.yaml"))
        self.assertIn("uthentication failed", self.dideban("doctor", "--kafka", "--config", self.path("w.yaml"), status=5).out)

    def test_scram(self):
        "SCRAM with the right password: it works, or doctor says that this librdkafka cannot"
        self.topics("in", partitions=1)
        entry = "  settings: {security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512, sasl.username: dideban, sasl.password_file: %s, ssl.ca.location: %s}\n"
        conf = self.config("in", broker=SECURE, settings=entry % (os.path.join(FOLDER, "password"), os.path.join(FOLDER, "ca.pem")))
        done = self.dideban("doctor", "--kafka", "--config", conf, status=None)
        if done.status == 0:
            self.assertIn("%s answers" % SECURE, done.out)
        else:
            self.assertEqual(done.status, 5)
            self.assertRegex(done.out, "librdkafka [0-9.]+ fails at SCRAM .* use PLAIN over TLS")


if __name__ == "__main__":
    unittest.main()
