"""The broker and the program die, hang and lose their connection: each alert is published once, none is missing, and the end is the same."""
import itertools, os, random, signal, sys, time, unittest

from broker import *
from made import *
import lib

POINTS = ("after_journal_append", "after_journal_sync", "before_fold", "after_fold", "before_publish", "after_publish", "before_checkpoint", "after_ingest", "after_head",
          "kafka_in_transaction", "kafka_after_commit")

KINDS = ("witness", "gate", "expert", "lifecycle", "register") + (("old bailey",) if os.path.isdir(lib.shared("data", "old-bailey")) else ())

ENOUGH = {"expert": 60000}      # events until something is raised; 6000 of the others


@lib.needs_shared("bench")
class Faults(KafkaCase):
    minutes = 3

    def begin(self, n=12000, kind="witness", broker=BROKER, **options):
        """Events in their topic, and a configuration of small batches that publishes often."""
        self.topics("in")
        self.file = lib.old_bailey() if kind == "old bailey" else lib.workload(kind, n)
        if kind == "old bailey" and n is not None:
            with open(self.file, encoding="utf8") as f:
                self.file = self.write("events", "".join(itertools.islice(f, n)))
        with open(self.file, "rb") as f:
            self.n = sum(1 for _ in f)
        kcat("-P", "-t", self.topic("in"), "-p", -1, "-l", self.file)
        self.conf = self.config("in", broker=broker, batch=200, checkpoint=3000, **options)

    def end(self, sv):
        """Lets it read on to the end; what stands and what was published is right."""
        self.positions_reach(sv, 3)
        status, _ = sv.stop()
        self.assertEqual(status, 0, sv.said())
        want = self.expected(self.file)
        self.assertGreater(len(want), 0)
        self.assertEqual(self.standing(self.store), want)
        return self.check_published()

    def some(self, sv, n, what="some"):
        self.wait(lambda: self.metrics(sv).get("dideban_kafka_sink_published_total", 0) >= n, what + " alerts are published", sv)

    def test_broker_killed(self):
        "the broker is killed and started again while alerts are published"
        self.begin()
        sv = self.serve(self.conf)
        for _ in range(2):
            self.wait(lambda: self.metrics(sv).get("dideban_batches_total", 0) > 2, "batches are taken", sv)
            tool("kill", FOLDER)
            tool("start", FOLDER)
        self.end(sv)

    def test_broker_hangs(self):
        "the broker hangs for a while: everything waits, then goes on"
        self.begin(settings="  settings: {socket.timeout.ms: 3000}\n")
        sv = self.serve(self.conf)
        self.wait(lambda: self.metrics(sv).get("dideban_batches_total", 0) > 2, "batches are taken", sv)
        tool("pause", FOLDER)
        try:
            time.sleep(5)       # how long it hangs
            self.assertTrue(sv.running(), sv.said())
        finally:
            tool("resume", FOLDER)
        self.end(sv)

    def test_killed_in_transaction(self):
        "killed between the first message of a transaction and its commit: the next start ends that transaction and sends it again, once"
        self.begin()
        for count in (1, 2, 5):
            sv = self.serve(self.conf, env={"DIDEBAN_FAILPOINT": "kafka_in_transaction:%d" % count})
            self.assertEqual(sv.process.wait(LONG), -signal.SIGKILL)
        self.end(self.serve(self.conf))

    def test_killed_after_commit(self):
        "killed just after a commit: what recovery makes again is not sent again"
        self.begin()
        for count in (2, 3, 7):
            sv = self.serve(self.conf, env={"DIDEBAN_FAILPOINT": "kafka_after_commit:%d" % count})
            self.assertEqual(sv.process.wait(LONG), -signal.SIGKILL)
        self.end(self.serve(self.conf))

    def test_cut_and_delayed(self):
        "the connection is cut again and again, and slow in between"
        proxy = Proxy(PORT + 3, PORT + 2)
        self.addCleanup(proxy.end)
        self.begin(broker=PROXIED)
        proxy.delay = 0.005
        sv = self.serve(self.conf)
        rnd = random.Random(3)
        for _ in range(8):
            time.sleep(rnd.random() * 0.8)      # between two faults
            proxy.cut()
        proxy.delay = 0
        self.end(sv)

    def test_unclear_commits(self):
        "commits are answered later than they are waited for: what they committed is not sent again"
        proxy = Proxy(PORT + 3, PORT + 2)
        self.addCleanup(proxy.end)
        self.begin(broker=PROXIED)
        sv = self.serve(self.conf)
        self.some(sv, 1)
        proxy.end_delay = 2.5       # the first is waited for a second, the next two
        self.wait(lambda: proxy.ends > 2, "a third is answered late", sv)
        proxy.end_delay = 0
        self.end(sv)

    def test_two_of_one_name(self):
        "of two processes with one transactional id the older is fenced and says so; a third with another store is refused without being told to publish"
        self.begin(n=3000)
        first = self.serve(self.conf)
        self.positions_reach(first, 3)
        other = self.config("in", store=self.path("other"), batch=200, checkpoint=3000, name="other.yaml")
        refused = self.serve(other)
        self.assertEqual(refused.process.wait(LONG), 4)
        self.assertIn("another store has published", refused.said())
        self.assertIn("--republish", refused.said())
        second = self.serve(other, args=["--republish"])
        self.wait(lambda: self.metrics(second, self.path("other")).get("dideban_kafka_sink_connected"), "the second runs", second)
        self.assertEqual(first.process.wait(LONG), 4)
        self.assertIn("this one was fenced and stops", first.said())
        self.assertTrue(second.running(), second.said())
        status, _ = second.stop()
        self.assertEqual(status, 0, second.said())

    def test_older_copy(self):
        "a store that was restored from before what it published is refused"
        self.begin(n=3000)
        sv = self.serve(self.conf)
        self.positions_reach(sv, 3)
        self.dideban("backup", self.path("copy"), "--store", self.store)
        send(self.topic("in"), four_cases("more", "x-name:More"))
        self.some(sv, self.metrics(sv)["dideban_kafka_sink_published_total"] + 1, "more")
        self.assertEqual(sv.stop()[0], 0)
        self.dideban("restore", self.path("copy"), "--store", self.path("back"))
        sv = self.serve(self.config("in", store=self.path("back"), name="back.yaml"))
        self.assertEqual(sv.process.wait(LONG), 4)
        self.assertIn("this store is older than what was published from it", sv.said())

    def schedule(self, seed):
        """Random faults of every kind on one stream."""
        rnd = random.Random(seed)
        kind = KINDS[seed % len(KINDS)]         # ten in a row pass through all of them
        self.begin(n=ENOUGH.get(kind, 6000), kind=kind, broker=PROXIED)
        proxy = Proxy(PORT + 3, PORT + 2)
        self.addCleanup(proxy.end)
        told = []
        env = {"DIDEBAN_FAILPOINT": "%s:%d" % (rnd.choice(POINTS), rnd.randint(1, 6))} if rnd.random() < 0.7 else None
        sv = self.serve(self.conf, env=env)
        for _ in range(rnd.randint(2, 4)):
            time.sleep(rnd.random())            # where in the stream the fault falls
            fault = rnd.choice(("kill", "cut", "delay", "pause", "kill broker", "closed"))
            told.append(fault)
            if not sv.running() or fault == "kill":
                sv.kill()
                sv = self.serve(self.conf, env=env if rnd.random() < 0.3 else None)
            elif fault == "cut":
                proxy.cut()
            elif fault == "delay":
                proxy.delay = rnd.random() / 50
            elif fault == "closed":
                proxy.closed = True
                proxy.cut()
                time.sleep(rnd.random())        # how long it is away
                proxy.closed = False
            elif fault == "pause":
                tool("pause", FOLDER)
                time.sleep(rnd.random())        # how long it hangs
                tool("resume", FOLDER)
            else:
                tool("kill", FOLDER)
                tool("start", FOLDER)
        proxy.delay = 0
        if env is not None:
            sv.kill()
            sv = self.serve(self.conf)
        try:
            self.end(sv)
        except AssertionError as e:
            raise AssertionError("seed %d, faults %s: %s\n%s" % (seed, ", ".join(told), e, sv.said()))
        finally:
            proxy.end()

    @lib.needs_shared("data")
    def test_old_bailey(self):
        "all of Old Bailey, while the program is killed twice and the broker once"
        self.begin(n=None, kind="old bailey")
        for at in range(3):
            sv = self.serve(self.conf)
            self.wait(lambda: self.metrics(sv).get("dideban_events_consumed_total", 0) > self.n / 10, "some are read", sv)
            if at < 2:
                sv.kill()
        tool("kill", FOLDER)
        tool("start", FOLDER)
        self.end(sv)

    def test_random_schedules(self):
        "random schedules of faults"
        seed = int(os.environ.get("DIDEBAN_SEED", random.randrange(1000000)))
        n = int(os.environ.get("DIDEBAN_SCHEDULES", 100 if DEEP else 10))
        print("schedules from seed %d (DIDEBAN_SEED)" % seed, flush=True)
        for i in range(n):
            with self.subTest(seed=seed + i):
                self.setUp()
                self.schedule(seed + i)


if __name__ == "__main__":
    unittest.main()
