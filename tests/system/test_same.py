"""The same events again, also from a renamed, re-split, shuffled or compressed file, change nothing; in another order they end in the same alerts."""
import gzip, hashlib, json, lzma, random, shutil, subprocess, unittest

from lib import Case, line, workload, needs_shared, summary
from made import *


def busy(seed=3, people=40, n=1500):
    """Testimonies of few people over two years with late ones, retractions, duplicates and conflicts."""
    rnd = random.Random(seed)
    rows = []
    for i in range(n):
        rows.append(testimony("t%d" % i, rnd.randrange(700), "C%d" % rnd.randrange(60), "x-name:P%d" % rnd.randrange(people), rnd.choice(("lay", "lay", "informant", "official"))))
    for i in range(0, n, 50):
        rows.append(retraction("r%d" % i, "t%d" % i, 800))
        rows.append(rows[i + 1])
        rows.append(testimony("t%d" % (i + 2), 3, "C-other", "x-name:P1"))
    rnd.shuffle(rows)
    return rows


class Same(Case):
    def setUp(self):
        super().setUp()
        self.rows = busy()
        self.lines = [line(e) for e in self.rows]
        self.file = self.write("events.ndjson", "".join(self.lines))
        self.store = self.path("store")
        first = self.run_store(self.store, "--events", self.file)
        self.assertEqual(first["consumed"], len(self.rows))
        self.assertEqual(first["consumed"], first["processed"] + first["duplicates"] + first["quarantined"])
        self.before = self.alerts(self.store)
        self.assertGreater(sum(a["state"] == "standing" for a in self.before), 20)

    def again(self, *files, **options):
        """Into the same store: nothing may change. Into a fresh one: the same alerts."""
        args = [x for f in files for x in ("--events", f)]
        s = self.run_store(self.store, *args, **options)
        self.assertEqual(s["processed"], 0)
        self.assertEqual(self.before, self.alerts(self.store))
        fresh = self.path("fresh")
        s = self.run_store(fresh, *args, **options)
        self.assertEqual(s["consumed"], len(self.rows))
        self.assertEqual(self.standing(self.store), self.standing(fresh))

    def test_the_same_file(self):
        "the same file again"
        self.again(self.file)

    def test_a_renamed_file(self):
        "a renamed file"
        shutil.copy(self.file, self.path("other-name.ndjson"))
        self.again(self.path("other-name.ndjson"))

    def test_resplit(self):
        "split into three files, given in another order"
        names = [self.write("part%d.ndjson" % i, "".join(self.lines[i * 600:(i + 1) * 600])) for i in range(3)]
        self.again(names[2], names[0], names[1])

    def test_shuffled(self):
        "shuffled, with every event twice"
        twice = self.lines * 2
        random.Random(9).shuffle(twice)
        f = self.write("shuffled.ndjson", "".join(twice))
        self.assertEqual(self.run_store(self.store, "--events", f)["processed"], 0)
        self.assertEqual(self.before, self.alerts(self.store))
        self.run_store(self.path("fresh"), "--events", f)
        self.assertEqual(self.standing(self.store), self.standing(self.path("fresh")))

    def test_gzip(self):
        "compressed with gzip"
        self.again(self.write("e.ndjson.gz", gzip.compress("".join(self.lines).encode())))

    def test_xz(self):
        "compressed with xz"
        self.again(self.write("e.ndjson.xz", lzma.compress("".join(self.lines).encode())))

    def test_zstd(self):
        "compressed with zstd"
        subprocess.run(["zstd", "-q", self.file, "-o", self.path("e.ndjson.zst")], check=True)
        self.again(self.path("e.ndjson.zst"))

    def test_array(self):
        "one JSON array over many lines"
        self.again(self.write("e.json", "[\n" + ",\n".join(x.rstrip("\n") for x in self.lines) + "\n]\n"))

    def test_stdin(self):
        "from standard input"
        self.again("-", stdin="".join(self.lines))

    def test_crlf_and_blank_lines(self):
        "with CRLF, blank lines and no newline at the end"
        self.again(self.write("e.ndjson", "\r\n\n".join(x.rstrip("\n") for x in self.lines)))

    def test_key_order_and_spacing(self):
        "with keys in another order, other spacing and escapes, equal offsets"
        import json
        rows = []
        for e in self.rows:
            e = dict(reversed(list(e.items())))
            e["time"] = e["time"].replace("Z", ".000+00:00")
            e["data"] = dict(reversed(list(e["data"].items())))
            rows.append(json.dumps(e, ensure_ascii=True, separators=(", ", " : ")) + "\n")
        self.again(self.write("e.ndjson", "".join(rows)))


class Cut(Case):
    def test_any_cut(self):
        "any number of partitions, any size of batches, checkpoints and caches: the same alerts"
        f = self.events("e.ndjson", busy(17))
        seen = {}
        for i, args in enumerate(((), ("--partitions", "7"), ("--batch-events", "1"), ("--batch-events", "97", "--checkpoint-events", "50"), ("--cache", "1MiB", "--partitions", "3", "--checkpoint-events", "10"))):
            store = self.path("s%d" % i)
            self.run_store(store, "--events", f, *args)
            seen[args] = self.standing(store)
        for args, alerts in seen.items():
            self.assertEqual(alerts, seen[()], args)
        self.assertGreater(len(seen[()]), 20)


class Conflict(Case):
    def test_contents_of_two_identities(self):
        "what was set aside of one event is not taken for a content of another: in any order the smallest SHA-256 of each stands"
        def sha(case):
            e = testimony("e", 40, case)
            text = json.dumps({"data": e["data"], "time": e["time"], "type": e["type"]}, sort_keys=True, separators=(",", ":"))
            return hashlib.sha256(text.encode()).hexdigest()
        w, y, x, z = sorted(("P", "Q", "R", "S"), key=sha)
        rows = [testimony(eid, 40, case) for eid, case in (("e1", w), ("e1", y), ("e2", x), ("e2", z), ("e2", y))]
        for i, order in enumerate((rows, rows[::-1], rows[4:] + rows[:4])):
            store = self.path("s%d" % i)
            s = self.run_store(store, "--events", self.events("e%d.ndjson" % i, order))
            self.assertEqual((s["processed"], s["duplicates"], s["quarantined"]), (2, 0, 3), i)
            self.assertEqual([(r["id"], r["fields"]["case_id"]) for r in self.dideban("timeline", "person/x-name:A", "--store", store, "--json").rows], [("e1", w), ("e2", y)], i)
            self.assertEqual(len(self.dideban("quarantine", "list", "--store", store, "--json").rows), 3, i)


class ByteByByte(Case):
    def test_repeatable(self):
        "two runs over one file send the same bytes, but for the clock"
        import json
        f = self.events("e.ndjson", busy(5))
        out = []
        for i in range(2):
            self.run_store(self.path("s%d" % i), "--events", f, "--alerts", self.path("a%d" % i))
            rows = [json.loads(x) for x in open(self.path("a%d" % i), encoding="utf8")]
            for r in rows:
                r.pop("time")
                r["data"].pop("decided_at")
            out.append(rows)
        self.assertGreater(len(out[0]), 20)
        self.assertEqual(out[0], out[1])


if __name__ == "__main__":
    unittest.main()
