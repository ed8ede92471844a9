"""dideban status beside a running serve; the demo through Kafka."""
import json, unittest

from broker import *
from made import *


class Tools(KafkaCase):
    minutes = 1

    def test_status(self):
        "status shows the metrics of a running serve, and says when it has ended"
        self.topics("in", partitions=2)
        send(self.topic("in"), four_cases())
        self.assertIn("no serve has run", self.dideban("status", "--store", self.store, status=1).err)
        sv = self.serve(self.config("in"))
        self.positions_reach(sv, 2)
        self.consumed(sv, 4)
        said = json.loads(self.dideban("status", "--store", self.store, "--json").out)
        m = said["metrics"]
        self.assertEqual((said["running"], said["process"]), (True, sv.process.pid))
        self.assertEqual((m["dideban_events_consumed_total"], m["dideban_kafka_source_lag_events"], m["dideban_kafka_source_partitions"]), (4, 0, 2))
        self.wait(lambda: self.metrics(sv)["dideban_kafka_sink_published_total"] == 1, "the alert is published", sv)
        text = self.dideban("status", "--store", self.store).out
        self.assertRegex(text, r"dideban_kafka_sink_published_total +1 ")
        self.assertEqual(sv.stop()[0], 0)
        self.assertIn("it has ended", self.dideban("status", "--store", self.store, status=1).out)
        self.assertFalse(json.loads(self.dideban("status", "--store", self.store, "--json", status=1).out)["running"])

    def test_killed(self):
        "a serve that was killed is not said to run"
        self.topics("in", partitions=1)
        sv = self.serve(self.config("in"))
        self.positions_reach(sv, 1)
        sv.kill()
        self.assertIn("no longer there", self.dideban("status", "--store", self.store, status=1).out)

    def test_demo(self):
        "demo --kafka: alerts as read back from the topics, everything planted found, nothing twice"
        done = self.dideban("demo", "--kafka", "--fast", "--events", "5000")
        self.assertIn("● critical fugitive-at-gate", done.out)
        self.assertRegex(done.out, r"5,000 events by one topic, [1-9]\d+ messages read back from the alert topics, 0 of them twice")
        for n, of in re.findall(r"  (\d+) of (\d+) (?:planted|who only)", done.out):
            self.assertEqual(n, of, done.out)
        self.assertIn("0 alerts on anybody else", done.out)


if __name__ == "__main__":
    unittest.main()
