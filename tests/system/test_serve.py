"""`dideban serve`: follows folders, survives kill -9, keeps what each folder may bring apart."""
import json, os, signal, subprocess, time, unittest

import made
from lib import *
from made import *


class Serve(Case):
    minutes = 2

    @classmethod
    def setUpClass(cls):
        # serve ticks by the wall clock: events of last year would be stored as ended.
        cls.start = made.START
        made.START = datetime.datetime.utcnow().replace(microsecond=0) - datetime.timedelta(days=40)

    @classmethod
    def tearDownClass(cls):
        made.START = cls.start

    def setUp(self):
        super().setUp()
        for folder in ("courts", "gates"):
            os.mkdir(self.path(folder))
        self.store, self.sink = self.path("store"), self.path("alerts.ndjson")
        self.config = self.write("dideban.yaml", """\
instance: test
store: store
alerts: alerts.ndjson
poll: 100ms
settle: 300ms
tick: 200ms
batch_events: 16
checkpoint_events: 200
inboxes:
  - directory: courts
    sources: [/courts/]
    types: ["testimony.*", "warrant.*", event.retracted]
    corrections: true
  - directory: gates
    sources: [/gates/]
    types: [gate.passed]
""")

    def begin(self):
        p = subprocess.Popen([PROGRAM, "serve", "--config", self.config], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=open(self.path("out"), "ab"), stderr=subprocess.STDOUT, env=CLEAN_ENV)
        self.addCleanup(lambda: (p.poll() is None and p.kill(), p.wait()))
        return p

    def put(self, name, events):
        """A file appears whole, as a careful sender does it."""
        self.write(name + ".part", "".join(line(e) for e in events))
        os.rename(self.path(name + ".part"), self.path(name))

    def rows(self):
        if not os.path.exists(self.sink):
            return []
        with open(self.sink, encoding="utf8") as f:
            return [json.loads(x) for x in f.read().split("\n")[:-1]]

    def wait_for(self, what, condition, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.05)
        with open(self.path("out"), encoding="utf8") as f:
            self.fail("not within %d s: %s\n%s" % (seconds, what, f.read()[-3000:]))

    def raised(self):
        return [r["data"]["opening"]["id"] for r in self.rows() if r["type"] == "alert.raised"]

    def end(self, p, how=signal.SIGTERM):
        p.send_signal(how)
        p.wait(60)
        with open(self.path("out"), encoding="utf8") as f:
            return f.read()

    def test_follows(self):
        "new files are taken up, kill -9 loses and repeats nothing, a file that grows is read on"
        p = self.begin()
        self.put("courts/a.ndjson", four_cases("a"))
        self.wait_for("the first notice", lambda: self.raised() == ["a3"])
        p.kill()
        p.wait()
        self.put("courts/b.ndjson", four_cases("b", "x-name:B"))
        p = self.begin()
        self.wait_for("the second after kill -9", lambda: sorted(self.raised()) == ["a3", "b3"])
        # A growing file: whole lines are read as they come.
        rows = four_cases("c", "x-name:C")
        self.write("courts/c.ndjson", "".join(line(e) for e in rows[:2]))
        with open(self.path("courts/c.ndjson"), "a", encoding="utf8") as f:
            for e in rows[2:]:
                f.write(line(e))
                f.flush()
        self.wait_for("the third from a growing file", lambda: "c3" in self.raised())
        self.put("courts/w.ndjson", [issued("w", "W1", 0)])
        self.wait_for("the warrant", lambda: any(r["id"] == "w" for r in self.dideban("timeline", "person/x-name:F", "--store", self.store, "--json", status=None).rows))
        self.put("gates/g.ndjson", [passed("g", 39, seconds=43200)])
        self.wait_for("the lead", lambda: "g" in self.raised())
        self.put("courts/x.ndjson", [changed("x", "W1", 29, "ended")])
        self.wait_for("its withdrawal", lambda: any(r["type"] == "alert.withdrawn" for r in self.rows()))
        text = self.end(p)
        self.assertIn(p.returncode, (0, -signal.SIGTERM), text)
        last = {}
        for r in self.rows():
            self.assertGreater(r["data"]["seq"], last.get(r["data"]["alert_id"], 0))
            last[r["data"]["alert_id"]] = r["data"]["seq"]
        self.assertEqual({r["source"] for r in self.rows()}, {"/dideban/test"})
        self.assertEqual(sorted(a["state"] for a in self.alerts(self.store)), ["standing", "standing", "standing", "withdrawn"])

    def test_packed(self):
        "packed files are taken up"
        import gzip
        p = self.begin()
        self.write("courts/a.part", gzip.compress("".join(line(e) for e in four_cases("a")).encode()))
        os.rename(self.path("courts/a.part"), self.path("courts/a.ndjson.gz"))
        self.wait_for("the notice", lambda: self.raised() == ["a3"])
        self.end(p)

    def test_not_allowed(self):
        "what a folder may not bring is set aside as not_allowed, also a retraction of what another said"
        p = self.begin()
        self.put("courts/a.ndjson", four_cases("a"))
        self.wait_for("the notice", lambda: self.raised() == ["a3"])
        forged = [testimony("f1", 1, "C1", source="/gates/x"), issued("f2", "W9", 0), dict(passed("f3", 1), source="/elsewhere"),
                  retraction("f4", "a1", 31, source="/gates/x")]
        self.put("gates/forged.ndjson", forged)
        listed = lambda: self.dideban("quarantine", "list", "--store", self.store, "--json", status=None).rows
        self.wait_for("four set aside", lambda: len(listed()) == 4)
        self.assertEqual({r["reason"] for r in listed()}, {"not_allowed"})
        self.put("courts/r.ndjson", [retraction("r1", "a1", 31, source="/courts/corrections")])
        self.wait_for("the withdrawal", lambda: any(r["type"] == "alert.withdrawn" for r in self.rows()))
        self.end(p)

    def test_failing_rule(self):
        "a rule that fails is said once while it runs, by name and reason, and counted"
        rules = self.path("rules")
        shutil.copytree(os.path.join(ROOT, "rules"), rules)
        path = os.path.join(rules, "witness-repeat.lua")
        with open(path, encoding="utf8") as f:
            text = f.read()
        self.write(path, text[:text.index("  tests = {")].replace("local n = f.cases.n", "while true do end local n = f.cases.n") + "  tests = {},\n}\n")
        with open(self.config, "a", encoding="utf8") as f:
            f.write("rules: rules\n")
        p = self.begin()
        self.put("courts/a.ndjson", four_cases("a"))

        def failed():
            done = self.dideban("status", "--store", self.store, "--json", status=None)
            return done.status == 0 and done.rows[0]["metrics"]["dideban_rule_errors_total"] == 4
        self.wait_for("the failures are counted", failed)
        with open(self.path("out"), encoding="utf8") as f:
            said = f.read()             # while it runs
        self.assertEqual(said.count("rule witness-repeat fails"), 1, said)
        self.assertIn("over the budget", said)
        self.assertEqual(self.end(p).count("rule witness-repeat fails"), 1)

    def test_random_kills(self):
        "killed again and again while files come, it ends like one undisturbed run"
        import random
        rnd, rows = random.Random(4), []
        for i in range(1500):
            rows.append(testimony("t%d" % i, rnd.randrange(39), "C%d" % rnd.randrange(40), "x-name:P%d" % rnd.randrange(30)))
            if i % 40 == 39:
                rows.append(retraction("r%d" % i, "t%d" % (i - rnd.randrange(30)), 39, source="/courts/corrections"))
        files = [rows[i:i + 100] for i in range(0, len(rows), 100)]
        p = self.begin()
        for i, part in enumerate(files):
            self.put("courts/f%02d.ndjson" % i, part)
            time.sleep(rnd.random() * 0.15)
            if i % 3 == 2:
                p.kill()
                p.wait()
                p = self.begin()
        gone = {r["data"]["id"] for r in rows if r["type"] == "event.retracted"}
        wanted = {}
        for r in rows:
            if r["type"] == "testimony.given" and r["id"] not in gone:
                wanted.setdefault("person/" + r["data"]["witness"]["id"], set()).add(r["id"])
        self.wait_for("all files", lambda: all(self.entries(subject) == ids for subject, ids in wanted.items()))
        self.end(p)
        self.run_store(self.path("whole"), "--events", self.events("all.ndjson", rows))
        strip = lambda store: [{k: v for k, v in json.loads(a).items() if k not in ("rule_hash",)} for a in self.standing(store)]
        self.assertEqual(strip(self.store), strip(self.path("whole")))
        self.assertGreater(len(strip(self.store)), 20)

    def entries(self, subject):
        return {r["id"] for r in self.dideban("timeline", subject, "--store", self.store, "--json", status=None).rows}


if __name__ == "__main__":
    unittest.main()
