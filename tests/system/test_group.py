"""One episode group with thousands of alert triggers, in and out of the store."""
import os, random, shutil, unittest

from lib import *
from made import *

# Every testimony alerts, with values as large as a rule may give; an official's is a warning. Testimonies of one hour are one episode.
RULE = """return {
  api = 1, id = "talker", version = "1.0.0", kind = "notice", owner = "tests", audience = { "judge" }, legal_basis = "none", review_by = "2036-03-20",
  doc = { what = "Every testimony.", misses = { "none" }, false_positives = { "all" }, runbook = { "none" } },
  on = { "testimony.given" }, subject = "witness", want = { "case_id", "capacity" },
  features = { seen = { op = "count", on = { "testimony.given" }, role = "witness", within = "30d", evidence = 3 } },
  evaluate = function(e, f)
    local v = { n = f.seen.n }
    for i = 1, SIZE do v["v" .. i] = string.rep(string.char(96 + i), 1000) end
    return e.capacity == "lay" and "said" or "official", v
  end,
  outcomes = { said = { alert = "info", fa = "{n}", en = "{n}" }, official = { alert = "warning", fa = "{n}", en = "{n}" } },
  alerting = { episode = { "subject" }, quiet = "1h", again_if = "rises", expires = "90d", contest = true },
}
"""


class Group(Case):
    minutes = 2

    def rules(self, size):
        folder = self.path("rules")
        shutil.copytree(os.path.join(ROOT, "rules", "events"), os.path.join(folder, "events"))
        with open(os.path.join(folder, "talker.lua"), "w", encoding="utf8") as f:
            f.write(RULE.replace("SIZE", str(size)))
        return folder

    def test_parts(self):
        "a group of many hits that grows at its end and in its midst, shrinks and is read back: as if it had come in order"
        rules, rnd = self.rules(0), random.Random(7)
        kept = [testimony("t%d" % i, 0, "C%d" % i, seconds=900 * i + (7200 * (i // 300)), capacity="expert" if i % 301 == 5 else "lay") for i in range(3500)]
        gone = [testimony("g%d" % i, 0, "C%d" % i, seconds=rnd.randrange(900 * 4200), capacity=rnd.choice(("lay", "lay", "expert"))) for i in range(1500)]
        tail = [testimony("x%d" % i, 60, "C%d" % i, seconds=60 * i) for i in range(900)]
        self.run_store(self.path("order"), "--rules", rules, "--events", self.events("kept", kept))
        want = self.standing(self.path("order"))
        self.assertGreater(len(want), 10)
        late = kept[:]
        rnd.shuffle(late)
        takes = [retraction("r-" + e["id"], e["id"], 70) for e in gone + tail]
        rnd.shuffle(takes)
        parts = [late[:1200], gone + tail, late[1200:3000], takes[:1300], late[3000:], takes[1300:]]
        for i, part in enumerate(parts):
            self.run_store(self.path("mixed"), "--rules", rules, "--events", self.events("part%d" % i, part))
        self.assertEqual(self.standing(self.path("mixed")), want)
        # What the store holds is enough to go on from.
        self.run_store(self.path("mixed"), "--rules", rules, "--events", self.events("more", tail[:1] + [testimony("y", 0, "C", seconds=1)]))
        self.run_store(self.path("order"), "--rules", rules, "--events", self.events("y", [testimony("y", 0, "C", seconds=1)]))
        self.assertEqual(self.standing(self.path("mixed")), self.standing(self.path("order")))

    def test_large_values(self):
        "of thousands of triggers with large values the store keeps those of the one that is shown"
        rules, n = self.rules(14), 2000
        rows = [testimony("t%d" % i, 0, "C%d" % i, seconds=60 * i) for i in range(n)]
        self.run_store(self.path("s"), "--rules", rules, "--events", self.events("a", rows))
        self.run_store(self.path("s"), "--rules", rules, "--events", self.events("b", [testimony("late", 0, "L", seconds=60 * n - 100)]))
        a, = self.alerts(self.path("s"))
        self.assertEqual((a["trigger"]["id"], a["values"]["n"], len(a["values"]["v14"])), ("t%d" % (n - 1), n + 1, 1000))
        db = self.path("s", "db")
        self.assertLess(sum(os.path.getsize(os.path.join(db, f)) for f in os.listdir(db)), n * 14000 // 10)


if __name__ == "__main__":
    unittest.main()
