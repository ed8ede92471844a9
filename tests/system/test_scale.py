"""Nothing is quadratic: large timelines and heaps of late events, judged by the CPU time of one run against another of the same size.

The bounds are far above what is measured and far below what a quadratic step would need, so that no slow machine fails them."""
import random, unittest

from lib import *
from made import *

N = 3000 if REDUCED else 20000


class Scale(Case):
    one_by_one = True
    minutes = 3

    def cpu(self, name, rows, *args):
        """CPU seconds of one run over events into the store of that name."""
        path = self.events(name + ".ndjson", rows)
        command = [PROGRAM, "run", "--store", self.path(name), "--events", path, "--json"] + list(args)
        p = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=CLEAN_ENV)
        err = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        p.stderr.close()
        self.assertEqual(p.returncode, 0, err)
        return cpu_seconds(usage)

    def not_quadratic(self, hot, plain, times):
        self.assertLess(hot, times * plain + 1.0, "%.2f s against %.2f s" % (hot, plain))

    def history(self, people, n=N, days=3000):
        return [testimony("t%d" % i, 0, "C%d" % (i % 997), "x-name:P%d" % (i % people), seconds=i * days * DAY // n) for i in range(n)]

    def test_one_witness(self):
        "all testimonies by one witness cost about as much as by thousands"
        plain = self.cpu("plain", self.history(N // 5))
        self.not_quadratic(self.cpu("hot", self.history(1)), plain, 6)

    def test_window(self):
        "a window over everything costs about as much as one over a month"
        f = self.history(1)
        month = self.cpu("month", f, "--set", "witness-repeat.span=30")
        self.not_quadratic(self.cpu("years", f, "--set", "witness-repeat.span=1095"), month, 4)

    def test_late_heap(self):
        "a heap of late events on one subject in one batch"
        rows = self.history(1)
        whole = self.cpu("store", rows)
        rnd = random.Random(1)
        late = [testimony("late%d" % i, 0, "L%d" % i, "x-name:P0", seconds=rnd.randrange(3000 * DAY)) for i in range(min(N, 4000))]
        self.not_quadratic(self.cpu("store", late), whole, 8)
        order = self.standing(self.path("store"))
        self.cpu("other", late + rows)
        self.assertEqual(order, self.standing(self.path("other")))

    def test_late_trickle(self):
        "late events now and then on one subject whose alerts' triggers lie far apart"
        rnd = random.Random(2)
        rows = [testimony("t%d" % i, 0, "C%d" % rnd.randrange(N // 4), "x-name:P0", seconds=300 * i) for i in range(N)]
        plain = self.cpu("plain", rows)
        late = list(rows)
        for i in range(N // 20):
            late.insert(rnd.randrange(len(late) // 2, len(late)), testimony("late%d" % i, 0, "C%d" % rnd.randrange(N // 4), "x-name:P0", seconds=300 * rnd.randrange(N // 2)))
        self.not_quadratic(self.cpu("late", late), plain, 4)
        self.cpu("sorted", sorted(late, key=lambda e: e["time"]))
        self.assertEqual(self.standing(self.path("late")), self.standing(self.path("sorted")))

    def test_late_episodes(self):
        "late events now and then, in small batches, among thousands of episodes of one person at one gate"
        rows = [issued("w%d" % i, "W%d" % i, 300 * i, "x-name:F") for i in range(1 + N // 24 // 300)]
        rows += [passed("g%d" % i, 0, "x-name:F", seconds=3600 * i) for i in range(N)]
        plain = self.cpu("plain", rows, "--batch-events", "50")
        rnd, late = random.Random(3), list(rows)
        for i in range(N // 10):
            late.insert(rnd.randrange(len(late) // 2, len(late)), passed("late%d" % i, 0, "x-name:F", seconds=1800 + 3600 * rnd.randrange(N // 2)))
        self.not_quadratic(self.cpu("late", late, "--batch-events", "50"), plain, 3)
        self.cpu("sorted", sorted(late, key=lambda e: e["time"]))
        self.assertEqual(self.standing(self.path("late")), self.standing(self.path("sorted")))

    def test_backwards(self):
        "a whole history in backward order"
        rows = self.history(50)
        forward = self.cpu("forward", rows)
        self.not_quadratic(self.cpu("backward", rows[::-1]), forward, 12)
        self.assertEqual(self.standing(self.path("forward")), self.standing(self.path("backward")))

    def test_one_pool(self):
        "a pool with all referrals costs about as much as many pools"
        def referrals(pools):
            rows = [event("e%d-%d" % (k, p), "expert.registered", at(-10), {"expert": {"id": "x-name:E%d" % k}, "field": "f%d" % p, "province": "01", "valid_until": at(9000)})
                    for p in range(pools) for k in range(20)]
            return rows + [event("x%d" % i, "expert.referred", at(0, i * 3000 * DAY // N), {"expert": {"id": "x-name:E%d" % (i * i % 20)}, "case_id": "C%d" % i, "court_id": "c1",
                                 "field": "f%d" % (i % pools), "province": "01", "method": "manual"}) for i in range(N)]
        plain = self.cpu("plain", referrals(N // 200))
        self.not_quadratic(self.cpu("hot", referrals(1)), plain, 6)

    def test_many_warrants(self):
        "one person with thousands of warrants and passages"
        def lives(people):
            rows = []
            for i in range(N // 4):
                who = "x-name:F%d" % (i % people)
                rows += [issued("i%d" % i, "W%d" % i, i / 10, who, end=i / 10 + 2), passed("g%d" % i, i / 10 + 0.01, who), changed("e%d" % i, "W%d" % i, i / 10 + 1, "ended", who),
                         passed("h%d" % i, i / 10 + 1.01, who)]
            return rows
        plain = self.cpu("plain", lives(N // 40))
        self.not_quadratic(self.cpu("hot", lives(1)), plain, 8)


if __name__ == "__main__":
    unittest.main()
