"""The command line: help, usage, exit statuses, and what each looking command says."""
import itertools, json, os, subprocess, unittest

from lib import *
from made import *

COMMANDS = "demo run serve alerts explain timeline eval check test quarantine fields generate backup restore store config doctor version".split()


class Usage(Case):
    def test_help(self):
        "every subcommand has --help with an example"
        for c in COMMANDS:
            out = self.dideban(c, "--help").out
            self.assertIn("dideban " + c, out)
            self.assertRegex(out, "(?i)example", c)
        out = self.dideban("--help").out
        for c in COMMANDS:
            self.assertIn(c, out)
        self.dideban("help")

    def test_usage(self):
        "a misspelt subcommand or option is answered with the right one and status 2"
        for args, right in ((("rnu",), "run"), (("run", "--evnts", "x"), "--events"), (("alerts", "--strore", "x"), "--store")):
            done = self.dideban(*args, status=2)
            self.assertIn(right, done.err)
        self.dideban(status=2)
        self.dideban("run", status=2)
        self.dideban("explain", status=2)
        self.assertIn("foo", self.dideban("help", "run", "foo", status=2).err)
        self.assertIn("--cache", self.dideban("run", "--events", self.events("e", four_cases()), "--cache", "1023", status=2).err)
        self.dideban("run", "--events", self.events("e", four_cases()), "--now", "yesterday", status=2)

    def test_no_colour(self):
        "no colour and no progress off a terminal"
        done = self.dideban("run", "--events", self.events("e.ndjson", four_cases()), env={"NO_COLOR": ""})
        self.assertNotIn("\x1b", done.out + done.err)
        self.assertNotIn("\r", done.out + done.err)

    def test_closed_pipe(self):
        "a reader that goes away early is no crash"
        out = subprocess.run(["bash", "-c", "\"$0\" fields | head -n 1; exit ${PIPESTATUS[0]}", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN_ENV)
        self.assertIn(out.returncode, (0, 4, 128 + 13), out.stderr)

    def test_version(self):
        "version names the program and its libraries"
        out = self.dideban("version").out
        for word in ("dideban", "Lua 5.4", "RocksDB", "simdjson"):
            self.assertIn(word.lower(), out.lower())
        self.assertEqual(len(self.dideban("version", "--json").rows), 1)

    def test_help_of_tools(self):
        "tools/test and tools/kafka print the help that stands at their beginning, and no other comment"
        for name in ("test", "kafka"):
            path = os.path.join(ROOT, "tools", name)
            with open(path, encoding="utf8") as f:
                head = list(itertools.takewhile(lambda row: row.startswith("#"), f))[1:]
            done = subprocess.run([path, "--help"], stdout=subprocess.PIPE, check=True)
            self.assertEqual(done.stdout.decode(), "".join(row[1:].removeprefix(" ") for row in head))

    def test_doctor(self):
        "doctor checks the machine and a store"
        self.run_store(self.path("s"), "--events", self.events("e.ndjson", four_cases()))
        done = self.dideban("doctor", "--store", self.path("s"), status=None)
        self.assertIn(done.status, (0, 1))
        self.assertIn(self.path("s"), done.out)


    def test_doctor_without_a_configuration(self):
        "what hangs on a configuration that cannot be read is not checked as if there were none"
        broken = self.write("dideban.yaml", "store: %s\ncashe: 1MiB\n" % self.path("s"))
        rows = {r["check"]: r for r in self.dideban("doctor", "--json", "--config", broken, status=1).rows}
        self.assertEqual(rows["configuration"]["verdict"], "fail")
        self.assertIn("did you mean cache", rows["configuration"]["found"])
        self.assertNotIn("dideban config", rows["configuration"]["cure"])
        self.assertIn("clock", rows)
        self.assertEqual({"grants", "store", "rules", "inbox", "disk space"} & set(rows), set())
        rows = {r["check"]: r for r in self.dideban("doctor", "--json", "--config", broken, "--store", self.path("t"), "--rules", "rules", status=1).rows}
        self.assertIn(self.path("t"), rows["store"]["found"])
        self.assertEqual(rows["rules"]["verdict"], "ok")


class Config(Case):
    def test_effective(self):
        "config --effective prints every value and where it came from"
        f = self.write("dideban.yaml", "instance: here\ncache: 64MiB\n")
        out = self.dideban("config", "--effective", "--config", f).out
        self.assertRegex(out, r"instance.*here.*dideban\.yaml:1")
        self.assertRegex(out, r"cache.*64\s?MiB.*dideban\.yaml:2")
        self.assertRegex(out, r"partitions.*default")

    def test_kafka(self):
        "each value below kafka has its own origin, also with --json, and the output reads back"
        text = ("kafka:\n  brokers: b:1\n  stop: 5s\n  alerts: {judge: j}\n  settings:\n    client.id: c\n    sasl.username: u\n"
                "  topics:\n    - {topic: t, sources: [/courts], types: [\"*\"]}\n    - {pattern: \"p.*\", sources: [/gates], types: [gate.passed], corrections: true}\n")
        f = self.write("dideban.yaml", text)
        rows = {}
        for r in self.dideban("config", "--json", "--config", f).rows:
            rows.setdefault(r["key"], []).append((r["value"], r["origin"].replace(f, "F")))
        for key, value, origin in (("kafka.brokers", "b:1", "F:2"), ("kafka.transactional_id", "dideban-local", "default"), ("kafka.refresh", "30s", "default"),
                                   ("kafka.stop", "5s", "F:3"), ("kafka.alerts.judge", "j", "F:4"), ("kafka.settings.sasl.username", "u", "F:7"),
                                   ("alerts", "", "default: none, they go to Kafka")):
            self.assertEqual(rows[key], [(value, origin)])
        self.assertEqual(rows["kafka.topics"], [({"topic": "t", "sources": ["/courts"], "types": ["*"], "corrections": False}, "F:9"),
                                                ({"pattern": "p.*", "sources": ["/gates"], "types": ["gate.passed"], "corrections": True}, "F:10")])
        self.assertNotIn("inboxes", rows)
        out = self.dideban("config", "--config", f).out
        self.assertRegex(out, r"(?m)^  stop: 5s +# .*dideban\.yaml:3$")
        self.assertRegex(out, r"(?m)^    sasl\.username: u +# .*dideban\.yaml:7$")
        self.assertRegex(out, r"(?m)^# alerts: .*Kafka$")
        again = self.dideban("config", "--json", "--config", self.write("again.yaml", out)).rows
        self.assertEqual({r["key"]: r["value"] for r in again if r["key"].startswith("kafka")}, {k: v[-1][0] for k, v in rows.items() if k.startswith("kafka")})
        rows = {r["key"]: r for r in self.dideban("config", "--json", "--config", self.write("none.yaml", "kafka:\n  brokers: b:1\n  alerts: none\n")).rows}
        self.assertEqual((rows["kafka.alerts"]["value"], rows["alerts"]["value"]), ("none", "./alerts.ndjson"))
        self.assertTrue(rows["kafka.alerts"]["origin"].endswith(":3"))
        self.dideban("config", "--config", self.write("again.yaml", self.dideban("config", "--config", self.path("none.yaml")).out))

    def test_mistakes(self):
        "an unknown key, a duplicate, a wrong value: file:line:column, caret and suggestion"
        for text, place, words in (("instance: a\ncashe: 64MiB\n", ":2:1", "cache"), ("cache: 1MiB\ncache: 2MiB\n", ":2", "cache"), ("cache: much\n", ":1:8", "64MiB|256MiB|size"),
                                   ("inboxes:\n  - directry: x\n", ":2:5", "directory"), ("instance: [\n", "", "dideban")):
            done = self.dideban("config", "--effective", "--config", self.write("dideban.yaml", text), status=2)
            self.assertIn("dideban.yaml" + place, done.err)
            self.assertRegex(done.err, words)
            if place.count(":") == 2:
                self.assertIn("^", done.err)


class Look(Case):
    def test_fields(self):
        "fields lists the types, and the fields of one"
        rows = self.dideban("fields", "--json").rows
        self.assertGreater(len(rows), 25)
        out = self.dideban("fields", "testimony.given").out
        for word in ("capacity", "lay", "case_id", "witness", "person"):
            self.assertIn(word, out)
        done = self.dideban("fields", "testimony.givn", status=None)
        self.assertIn(done.status, (1, 2))
        self.assertIn("testimony.given", done.err)

    def test_eval_shape(self):
        "eval --json has the fixed shape"
        f = self.events("e.ndjson", four_cases())
        rows = self.dideban("eval", "rules/witness-repeat.lua", "--events", f, "--json").rows
        self.assertEqual(len(rows), 4)
        self.assertEqual(rows[3], {"rule": "witness-repeat", "subject": "person/x-name:A", "trigger": {"source": "/courts/a", "id": "t3", "time": at(30)},
                                   "outcome": "several", "level": "info", "values": {"n": 4}})
        self.assertEqual([r["outcome"] for r in rows[:3]], ["few"] * 3)
        few = self.dideban("eval", "rules/witness-repeat.lua", "--events", f, "--json", "--set", "at_least=2").rows
        self.assertEqual([r["level"] for r in few], ["clear", "info", "info", "info"])

    def test_eval_text(self):
        "eval names each alert's outcome and sentence, and counts the outcomes"
        f = self.events("e.ndjson", four_cases())
        out = self.dideban("eval", "rules/witness-repeat.lua", "--events", f).out
        self.assertRegex(out, r"info\s+person/x-name:A\s+several")
        self.assertIn("testified in 4 cases", out)
        self.assertRegex(out, r"few\D+3|3\D+few")

    def test_eval_store(self):
        "eval over a store gives the same as over its events"
        f = self.events("e.ndjson", four_cases())
        self.run_store(self.path("s"), "--events", f)
        self.assertEqual(self.dideban("eval", "rules/witness-repeat.lua", "--store", self.path("s"), "--json").out,
                         self.dideban("eval", "rules/witness-repeat.lua", "--events", f, "--json").out)

    def test_message_shape(self):
        "a message is a CloudEvent with every documented member"
        sink = self.path("alerts")
        self.run_store(self.path("s"), "--events", self.events("e.ndjson", four_cases()), "--alerts", sink)
        with open(sink, encoding="utf8") as f:
            row = json.loads(f.read())
        self.assertEqual((row["specversion"], row["type"], row["source"], row["datacontenttype"]), ("1.0", "alert.raised", "/dideban/local", "application/json"))
        self.assertEqual(set(row), {"specversion", "id", "source", "type", "time", "datacontenttype", "data"})
        wanted = {"alert_id", "seq", "rule", "rule_version", "rule_hash", "subject", "episode", "opened_at", "level", "outcome", "values", "text", "trigger", "opening", "evidence",
                  "evidence_total", "window", "params", "audience", "deliver", "held_back", "known_up_to"}
        self.assertLessEqual(wanted, set(row["data"]))
        stored, = self.alerts(self.path("s"))
        self.assertEqual(stored.pop("state"), "standing")
        self.assertEqual({k: v for k, v in stored.items() if k in wanted}, {k: v for k, v in row["data"].items() if k in wanted})
        self.assertEqual(row["data"]["deliver"], {"case_id": "t-C3"})
        self.assertEqual(row["data"]["audience"], ["judge"])

    def test_temporary(self):
        "run without --store leaves nothing behind, and its alerts go to standard output with --alerts -"
        f = self.events("e.ndjson", four_cases())
        os.mkdir(self.path("tmp"))
        done = self.dideban("run", "--events", f, "--alerts", "-", cwd=self.path("tmp"), env={"TMPDIR": self.path("tmp")})
        self.assertEqual(os.listdir(self.path("tmp")), [])
        rows = [json.loads(x) for x in done.out.splitlines() if x.startswith("{")]
        self.assertEqual([r["type"] for r in rows if "type" in r], ["alert.raised"])

    def test_summary(self):
        "the summary is told to people too"
        done = self.dideban("run", "--events", self.events("e.ndjson", four_cases() + [retraction("r", "t1", 40)]))
        text = done.out + done.err
        for word in ("witness-repeat", "duplicate", "quarantined"):
            self.assertIn(word, text)

    def test_stages(self):
        "run --stages tells the seconds of each stage, and what the store was asked for"
        f = self.events("e.ndjson", four_cases())
        self.assertNotIn("stages", self.run_store(self.path("s"), "--events", f))
        again = self.run_store(self.path("s"), "--events", f, "--stages")
        self.assertIn("checkpoint", again["stages"])
        self.assertGreaterEqual(again["store_reads"]["gets"], 4)     # each duplicate is asked for
        self.assertGreater(again["store_reads"]["bytes"], again["store_reads"]["blocks"])
        self.assertEqual(again["memory"]["timelines"], 0)                # nothing but duplicates: nobody's is asked for
        memory = self.run_store(self.path("fresh"), "--events", f, "--stages")["memory"]
        self.assertGreaterEqual(memory["timelines"], 1)
        self.assertGreater(memory["timeline_bytes"], 100 * memory["timelines"])
        self.assertGreaterEqual(memory["filter_bytes"], 12 / 8 * 2**20)  # its first level
        self.assertGreater(memory["block_cache_bytes"], 0)
        done = self.dideban("run", "--store", self.path("s"), "--events", f, "--stages")
        self.assertRegex(done.out, r"the store was asked for \d+ keys, walked \d+ times, read \d+ blocks")
        self.assertRegex(done.out, r"in memory: \d+ timelines \([\d.]+ MiB\), filter of what is known [\d.]+ MiB")

    def test_long_histories_in_a_small_cache(self):
        "where the subjects of a batch do not fit the cache, smaller batches follow, and find the same"
        rows = [testimony("t%d" % i, i // 1000, "C%d" % (i // 400), "x-name:W%d" % (i % 400), seconds=i % 1000) for i in range(24000)]
        f = self.events("e.ndjson", rows)
        large, small = (self.run_store(self.path(n), "--events", f, "--cache", n, "--stages") for n in ("64MiB", "1MiB"))
        self.assertEqual(large["batches"], 6)       # 4,096 events each
        self.assertGreater(small["batches"], 60)
        self.assertLess(small["memory"]["timeline_bytes"], 2 * 2**20)
        for name in ("consumed", "processed", "standing", "quarantined"):
            self.assertEqual(large[name], small[name])
        self.assertGreater(large["standing"], 0)


class World(Case):
    def test_generate(self):
        "generate: the same seed gives the same bytes, all accepted, and what was planted is found"
        a, b, c = (self.dideban("generate", "world", "--seed", s, "--events", 5000).out for s in (1, 1, 2))
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)
        self.assertGreaterEqual(a.count("\n"), 5000)
        s = self.run_store(self.path("s"), "--events", self.write("w.ndjson", a))
        self.assertEqual(s["quarantined"], 0)
        self.assertGreater(len(self.alerts(self.path("s"))), 3)

    def test_demo(self):
        "demo: alerts appear as sentences in fa and en, then a summary and what to try next"
        done = self.dideban("demo")
        self.assertRegex(done.out, "cases")
        self.assertRegex(done.out, "[\u0600-\u06ff]")
        self.assertIn("dideban ", done.out)


if __name__ == "__main__":
    unittest.main()
