"""Nothing grows without bound and nothing is lost when the broker, its topics or the disk are not there."""
import os, subprocess, time, unittest

from broker import *
from made import *
import lib


def resident(sv):
    """Largest resident size so far, MiB."""
    with open("/proc/%d/status" % sv.process.pid, encoding="utf8") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmHWM")) // 1024


class Limits(KafkaCase):
    minutes = 1

    def test_broker_away_at_start(self):
        "a broker that is not there at the start is waited for; that is said once; then all goes by itself"
        self.topics("in", partitions=1)
        send(self.topic("in"), four_cases())
        tool("stop", FOLDER)
        try:
            sv = self.serve(self.config("in"))
            self.wait(lambda: "reading events waits" in sv.said() and "publishing alerts waits" in sv.said(), "it says that it waits", sv)
        finally:
            tool("start", FOLDER)
        self.consumed(sv, 4)
        self.positions_reach(sv, 1)
        said = sv.said()
        self.assertEqual((said.count("reading events waits"), said.count("publishing alerts waits")), (1, 1), said)
        self.assertEqual(sv.stop()[0], 0)
        self.assertEqual(self.check_published(), 1)

    def test_broker_away_for_a_while(self):
        "a broker that goes away is said once, and once that it is back; alerts that came meanwhile follow"
        self.topics("in", partitions=1)
        inbox = self.path("inbox")
        os.mkdir(inbox)
        rest = 'inboxes:\n  - {directory: %s, sources: ["*"], types: ["*"], corrections: true}\n' % inbox
        sv = self.serve(self.config("in", rest=rest))
        self.positions_reach(sv, 1)
        tool("kill", FOLDER)
        try:
            # Events from elsewhere go on meanwhile.
            self.write("inbox/a.ndjson", "".join(line(e) for e in four_cases()))
            self.consumed(sv, 4)
            self.wait(lambda: "does not answer" in sv.said() and self.metrics(sv)["dideban_kafka_sink_waiting_bytes"] > 0, "alerts wait", sv)
            # Some statistics later nobody has said that it is back.
            since = time.monotonic()
            self.wait(lambda: time.monotonic() - since > 7, "seven seconds pass", sv)
            self.assertNotIn("answers again", sv.said())
            self.assertEqual(self.metrics(sv)["dideban_kafka_sink_connected"], 0)
        finally:
            tool("start", FOLDER)
        self.positions_reach(sv, 1)
        said = sv.said()
        self.assertEqual(said.count("reading events waits"), 1, said)
        self.assertEqual(said.count("publishing alerts goes on") + said.count("reading events goes on"), said.count("waits until it does"), said)
        self.assertEqual(sv.stop()[0], 0)
        self.assertEqual(self.check_published(), 1)

    def test_broker_away_while_idle(self):
        "with nothing to read or publish the same is said, and no return before there is one"
        self.topics("in", partitions=1)
        send(self.topic("in"), four_cases())
        sv = self.serve(self.config("in"))
        self.consumed(sv, 4)
        self.positions_reach(sv, 1)
        tool("kill", FOLDER)
        try:
            # A publisher that has nothing to send may not notice.
            self.wait(lambda: "reading events waits until it does" in sv.said(), "the reader says that it is away", sv)
            since = time.monotonic()
            self.wait(lambda: time.monotonic() - since > 7, "seven seconds pass", sv)
            self.assertNotIn("answers again", sv.said())
        finally:
            tool("start", FOLDER)
        self.wait(lambda: sv.said().count("answers again") == sv.said().count("waits until it does"), "whoever said so says that it is back", sv)
        self.assertEqual(sv.stop()[0], 0)
        self.assertEqual(self.check_published(), 1)

    def test_told_to_stop_while_away(self):
        "told to stop while alerts cannot be published, it stops in time, says so, and the next start publishes them"
        self.topics("in", partitions=1)
        send(self.topic("in"), four_cases())
        admin("delete", self.topic("judge"))
        sv = self.serve(self.config("in", stop="300ms"))
        self.consumed(sv, 4)
        status, _ = sv.stop()
        self.assertEqual(status, 0, sv.said())
        self.assertIn("the next start publishes them", sv.said())
        self.wait(self.judge_again, "the topic can be made again")
        sv = self.serve(self.config("in"))
        self.positions_reach(sv, 1)
        self.assertEqual(sv.stop()[0], 0)
        self.assertEqual(self.check_published(), 1)

    def judge_again(self):
        try:
            admin("create", self.topic("judge"), 1)
            return True
        except AssertionError:
            return False

    @lib.needs_shared("bench")
    def test_slow_sink(self):
        "alerts that cannot be published stop the reading, not the memory; a topic that comes lets all go on"
        self.topics("in")
        file = lib.workload("witness", 60000)
        kcat("-P", "-t", self.topic("in"), "-p", -1, "-l", file)
        admin("delete", self.topic("judge"))
        sv = self.serve(self.config("in", checkpoint=20000))
        self.wait(lambda: "alerts cannot be published" in sv.said(), "it says that alerts cannot be published", sv)
        self.assertIn(self.topic("judge"), sv.said())
        # A checkpoint waits for what was published, so reading stands still at the first one at the latest.
        first = self.metrics(sv)["dideban_events_consumed_total"]
        self.assertLess(first, 30000)
        self.assertLess(resident(sv), 700)
        self.wait(self.judge_again, "the topic can be made again")
        self.positions_reach(sv, 3)
        self.assertIn("alerts are published again", sv.said())
        self.assertLess(resident(sv), 700)
        self.assertEqual(sv.stop()[0], 0)
        self.assertEqual(self.standing(self.store), self.expected(file))
        self.check_published()

    @unittest.skipUnless(lib.is_root(), "mounting needs root")
    def test_disk_nearly_full(self):
        "on a disk that is nearly full reading pauses, well before the program must stop; with room again it goes on"
        self.topics("in", partitions=1)
        disk = self.path("disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900m", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        sv = self.serve(self.config("in", store=os.path.join(disk, "store")))
        self.wait(lambda: self.metrics(sv, os.path.join(disk, "store")).get("dideban_kafka_source_partitions") == 1, "it reads", sv)
        filler = os.path.join(disk, "filler")
        with open(filler, "wb") as f:
            os.posix_fallocate(f.fileno(), 0, 500 << 20)
        self.wait(lambda: "nothing more is read" in sv.said(), "reading pauses", sv)
        send(self.topic("in"), four_cases())
        self.assertTrue(sv.running(), sv.said())
        self.assertEqual(self.metrics(sv, os.path.join(disk, "store"))["dideban_events_consumed_total"], 0)
        os.unlink(filler)
        self.wait(lambda: self.metrics(sv, os.path.join(disk, "store"))["dideban_events_consumed_total"] == 4, "reading goes on", sv)
        self.assertIn("reading goes on", sv.said())
        self.assertEqual(sv.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
