"""Everything wrong with an event sets it aside with its reason, position and raw bytes; it never blocks and never disappears."""
import base64, json, unittest

from lib import Case, line
from made import *

GOOD = testimony("t1", 0, "C1")


def but(**changes):
    e = json.loads(json.dumps(GOOD))
    for key, value in changes.items():
        if value is None:
            e.pop(key)
        else:
            e[key] = value
    return json.dumps(e).encode()


def data(**changes):
    return but(data={k: v for k, v in dict(GOOD["data"], **changes).items() if v is not None})


DEEP = b'{"specversion":"1.0","id":"x","source":"/a","type":"testimony.given","time":"2024-03-20T08:00:00Z","data":{"case_id":' + b"[" * 100 + b"]" * 100 + b"}}"
# raw line, reason, what the text for a person must name
FAULTS = [
    (b"hello", "bad_json", ""),
    (b'{"specversion":"1.0","id":"x"', "bad_json", ""),
    (b'[1, 2]', "bad_json", ""),
    (b'"a string"', "bad_json", ""),
    (b'{"a":01}', "bad_json", ""),
    (but() + b" {}", "bad_json", ""),
    (but().replace(b'"C1"', b'"C\xff1"'), "bad_utf8", ""),
    (but().replace(b'"C1"', b'"\xed\xa0\x80"'), "bad_utf8", ""),
    (but().replace(b'"case_id"', b'"case_id": "C2", "case_id"'), "duplicate_key", "case_id"),
    (but().replace(b'"id": "t1"', b'"id": "t1", "id": "t2"'), "duplicate_key", "id"),
    (but(type="testimony.givn"), "unknown_type", "testimony.given"),
    (but(type="nothing.like.it"), "unknown_type", "nothing.like.it"),
    (data(capacty="lay"), "unknown_field", "data.capacty"),
    (data(witness={"id": "x-name:A", "nickname": "B"}), "unknown_field", "witness.nickname"),
    (but(id=None), "missing_field", "id"),
    (but(source=None), "missing_field", "source"),
    (but(time=None), "missing_field", "time"),
    (but(type=None), "missing_field", "type"),
    (but(data=None), "missing_field", "data"),
    (data(witness=None), "missing_field", "witness"),
    (data(capacity="friend"), "bad_value", "capacity"),
    (data(case_id=7), "bad_value", "case_id"),
    (data(witness={"id": "nid:0084575949"}), "bad_value", "witness"),
    (data(witness={"id": "no scheme"}), "bad_value", "witness"),
    (but(specversion="2.0"), "bad_value", "specversion"),
    (but(id=""), "bad_value", "id"),
    (but(time="2024-03-20T10:00:00"), "bad_time", "offset"),
    (but(time="2024-02-30T10:00:00Z"), "bad_time", ""),
    (but(time="2024-03-20T10:00:00.0123456789Z"), "bad_time", "digits"),
    (but(time="2016-12-31T23:59:60Z"), "bad_time", ""),
    (but(time="yesterday"), "bad_time", ""),
    (but(time="2999-01-01T00:00:00Z"), "future_time", ""),
    (data(case_id="x" * 300000), "too_large", ""),
    (DEEP, "too_deep", ""),
]


def raw_of(row):
    """The raw bytes that `quarantine show --json` hands over."""
    return base64.b64decode(row["raw_base64"]) if "raw_base64" in row else row["raw"].encode()


class Faults(Case):
    def setUp(self):
        super().setUp()
        good = [line(testimony("g%d" % i, i, "C%d" % i)).encode() for i in range(5)]
        self.lines = [raw + b"\n" for raw, _, _ in FAULTS]
        self.file = self.write("bad.ndjson", b"".join([good[0]] + self.lines + good[1:]))
        self.store = self.path("store")
        self.summary = self.run_store(self.store, "--events", self.file)

    def listed(self, *args):
        return self.dideban("quarantine", "list", "--store", self.store, "--json", *args).rows

    def test_count(self):
        "consumed = processed + duplicates + quarantined, exactly, and good events between bad ones are not held up"
        s = self.summary
        self.assertEqual((s["consumed"], s["processed"], s["duplicates"], s["quarantined"]), (len(FAULTS) + 5, 5, 0, len(FAULTS)))
        self.assertEqual(sum(a["state"] == "standing" for a in self.alerts(self.store)), 2)

    def test_reason_and_position(self):
        "each has its reason, a text that names the place and the cure, and its position"
        rows = self.listed()
        self.assertEqual(len(rows), len(FAULTS))
        by_line = {}
        for r in rows:
            stream, _, number = r["position"].rpartition(":")
            self.assertTrue(stream.endswith("bad.ndjson"), r)
            by_line[int(number)] = r
        for i, (raw, reason, names) in enumerate(FAULTS):
            with self.subTest(raw=raw[:120]):
                r = by_line[i + 2]
                self.assertEqual(r["reason"], reason, r)
                self.assertIn(names, r["detail"], r)

    def test_suggestion(self):
        "a misspelt field or type is answered with the right one"
        details = [r["detail"] for r in self.listed()]
        self.assertTrue(any("capacty" in d and "did you mean capacity" in d for d in details), details)
        self.assertTrue(any("testimony.givn" in d and "did you mean testimony.given" in d for d in details), details)

    def test_raw_bytes(self):
        "the raw bytes are shown as they came"
        wanted = {raw for raw, reason, _ in FAULTS if reason != "too_large"}
        got = set()
        for r in self.listed():
            shown = self.dideban("quarantine", "show", r["id"], "--store", self.store, "--json").rows[0]
            if r["reason"] != "too_large":
                got.add(raw_of(shown))
            else:
                self.assertGreater(shown["full_bytes"], 256 * 1024)
                self.assertGreater(len(raw_of(shown)), 100 * 1024)
        self.assertEqual(got, wanted)

    def test_show_unknown(self):
        "show of an id that is not there says so"
        done = self.dideban("quarantine", "show", "0123456789abcdef", "--store", self.store, status=None)
        self.assertIn(done.status, (1, 2))
        self.assertIn("0123456789abcdef", done.err + done.out)

    def test_again(self):
        "the same bad file again is counted again and listed once"
        s = self.run_store(self.store, "--events", self.file)
        self.assertEqual((s["consumed"], s["processed"], s["duplicates"], s["quarantined"]), (len(FAULTS) + 5, 0, 5, len(FAULTS)))
        self.assertEqual(len(self.listed()), len(FAULTS))

    def test_strict(self):
        "--strict ends with status 3 when something was set aside"
        done = self.dideban("run", "--store", self.path("other"), "--strict", "--events", self.file, status=3)
        self.assertIn("quarantin", done.err + done.out)


class Conflict(Case):
    def test_conflict(self):
        "the same id with other content: one stands whatever the order, the other is set aside, its alerts are contested"
        rows = four_cases()
        other = testimony("t3", 30, "t-C9")
        seen = []
        for i, order in enumerate((rows + [other], [other] + rows, rows[:3] + [other, rows[3]])):
            store = self.path("s%d" % i)
            s = self.run_store(store, "--events", self.events("e%d.ndjson" % i, order))
            self.assertEqual((s["processed"] + s["duplicates"], s["quarantined"]), (4, 1))
            q = self.dideban("quarantine", "list", "--store", store, "--json").rows
            self.assertEqual([r["reason"] for r in q], ["conflict"])
            seen.append((self.standing(store), raw_of(self.dideban("quarantine", "show", q[0]["id"], "--store", store, "--json").rows[0])))
        self.assertEqual(len(seen[0][0]), 1)
        self.assertEqual([s[0] for s in seen], [seen[0][0]] * 3)
        self.assertEqual({json.loads(s[1])["data"]["case_id"] for s in seen}, {json.loads(seen[0][1])["data"]["case_id"]})
        # The same two again: no more than a duplicate and the same conflict.
        s = self.run_store(store, "--events", self.path("e0.ndjson"))
        self.assertEqual((s["processed"], s["consumed"]), (0, 5))
        self.assertEqual(self.standing(store), seen[0][0])


class Mend(Case):
    def bad(self):
        rows = four_cases()
        broken = dict(rows[3], data=dict(rows[3]["data"], capacty="lay"))
        self.store = self.path("store")
        self.run_store(self.store, "--events", self.events("e.ndjson", rows[:3] + [broken]))
        self.assertEqual(self.standing(self.store), [])
        listed = self.dideban("quarantine", "list", "--store", self.store, "--json").rows
        self.assertEqual(len(listed), 1)
        return rows[3], listed[0]["id"]

    def open_ones(self):
        return [r for r in self.dideban("quarantine", "list", "--store", self.store, "--json").rows if r.get("state", "open") == "open"]

    def test_replay_fixed(self):
        "a fixed event is replayed and does its work"
        fixed, qid = self.bad()
        self.dideban("quarantine", "replay", qid, "--store", self.store, "--with", self.write("fixed.json", line(fixed)), "--reason", "misspelt field")
        self.assertEqual(len(self.standing(self.store)), 1)
        self.assertEqual(self.open_ones(), [])

    def test_replay_still_wrong(self):
        "one that is still wrong stays where it is"
        _, qid = self.bad()
        done = self.dideban("quarantine", "replay", qid, "--store", self.store, "--reason", "try again", status=None)
        self.assertNotEqual(done.status, 0)
        self.assertEqual([(r["id"], r["times"]) for r in self.open_ones()], [(qid, 1)])

    def test_discard(self):
        "one that is not worth it is discarded with a reason, and kept on record"
        _, qid = self.bad()
        self.dideban("quarantine", "discard", qid, "--store", self.store, status=2)
        self.dideban("quarantine", "discard", qid, "--store", self.store, "--reason", "test data")
        self.assertEqual(self.open_ones(), [])
        shown = self.dideban("quarantine", "show", qid, "--store", self.store, "--json").rows[0]
        self.assertEqual(shown["state"], "discarded")
        self.assertIn("test data", json.dumps(shown))

    def test_discard_replayed(self):
        "one that was replayed stands on its timeline: it is not discarded"
        fixed, qid = self.bad()
        self.dideban("quarantine", "replay", qid, "--store", self.store, "--with", self.write("fixed.json", line(fixed)))
        self.assertIn("retraction", self.dideban("quarantine", "discard", qid, "--store", self.store, "--reason", "test data", status=1).err)
        self.assertEqual(self.dideban("quarantine", "show", qid, "--store", self.store, "--json").rows[0]["state"], "replayed")

    def test_replay_json(self):
        "with --json what became of each is an object"
        fixed, qid = self.bad()
        row, = self.dideban("quarantine", "replay", qid, "--store", self.store, "--json", status=1).rows
        self.assertEqual((row["id"], row["accepted"]), (qid, False))
        self.assertIn("still wrong", row["text"])
        row, = self.dideban("quarantine", "replay", qid, "--store", self.store, "--with", self.write("fixed.json", line(fixed)), "--json").rows
        self.assertEqual(row, {"id": qid, "accepted": True, "text": "accepted"})

    def test_replay_another(self):
        "an event of another identity is no mending in silence: it is said, and kept on record"
        fixed, qid = self.bad()
        done = self.dideban("quarantine", "replay", qid, "--store", self.store, "--with", self.write("other.json", line(dict(fixed, id="another"))))
        said = "accepted as another event: %s another, not %s %s" % (fixed["source"], fixed["source"], fixed["id"])
        self.assertIn(said, done.out)
        self.assertIn("mended as %s another" % fixed["source"], json.dumps(self.dideban("quarantine", "show", qid, "--store", self.store, "--json").rows[0]))

    def test_replay_another_type(self):
        "a type that was known and is another now is said; one that nobody knew is what was mended"
        fixed, qid = self.bad()
        other = dict(passed("g", 1), source=fixed["source"], id=fixed["id"])
        done = self.dideban("quarantine", "replay", qid, "--store", self.store, "--with", self.write("other.json", line(other)))
        self.assertIn("accepted as another event: gate.passed %s %s, not testimony.given %s %s" % (2 * (fixed["source"], fixed["id"])), done.out)
        store = self.path("second")
        self.run_store(store, "--events", self.events("e.ndjson", [dict(fixed, type="testimony.givn")]))
        qid, = [r["id"] for r in self.dideban("quarantine", "list", "--store", store, "--json").rows]
        done = self.dideban("quarantine", "replay", qid, "--store", store, "--with", self.write("fixed.json", line(fixed)))
        self.assertEqual(done.out.strip(), qid + ": accepted")

    def test_conflict_stays(self):
        "a content that was beaten is not accepted by replaying it as it stands"
        store = self.path("store")
        self.run_store(store, "--events", self.events("e.ndjson", [testimony("t", 1, "C1"), testimony("t", 1, "C2")]))
        qid, = [r["id"] for r in self.dideban("quarantine", "list", "--store", store, "--json").rows]
        done = self.dideban("quarantine", "replay", qid, "--store", store, status=1)
        self.assertIn("conflict", done.err)
        self.assertEqual([r["state"] for r in self.dideban("quarantine", "list", "--all", "--store", store, "--json").rows], ["open"])

    def test_not_allowed_is_named(self):
        "what an input may not bring is not let in by --all, only by its id"
        store = self.path("store")
        self.write("dideban.yaml", "inboxes:\n  - directory: courts\n    sources: [/courts/]\n    types: [\"testimony.*\"]\n")
        self.run_store(store, "--config", self.path("dideban.yaml"), "--events", self.events("courts/e.ndjson", [testimony("t", 1, "C1"), passed("g", 2)]))
        qid, = [r["id"] for r in self.dideban("quarantine", "list", "--store", store, "--fault", "not_allowed", "--json").rows]
        self.assertIn("not_allowed", self.dideban("quarantine", "replay", "--all", "--store", store, status=1).err)
        self.assertEqual(len(self.dideban("timeline", "person/x-name:F", "--store", store, "--json", status=None).rows), 0)
        self.dideban("quarantine", "replay", qid, "--store", store, "--reason", "the gate's line was down")
        self.assertEqual(len(self.dideban("timeline", "person/x-name:F", "--store", store, "--json").rows), 1)

    def test_discard_after_a_crash(self):
        "alerts that a killed run had not written yet are written by whichever command folds the journal first"
        store, sink = self.path("store"), self.path("alerts")
        bad = dict(testimony("q", 0, "C"), type="nothing.like.it")
        self.run_store(store, "--alerts", sink, "--events", self.events("bad.ndjson", [bad]))
        self.dideban("run", "--store", store, "--alerts", sink, "--events", self.events("e.ndjson", four_cases()), status=-9, env={"DIDEBAN_FAILPOINT": "before_publish:1"})
        qid, = [r["id"] for r in self.dideban("quarantine", "list", "--store", store, "--json").rows]
        self.dideban("quarantine", "discard", qid, "--store", store, "--reason", "test data")
        with open(sink, encoding="utf8") as f:
            self.assertEqual([json.loads(x)["type"] for x in f], ["alert.raised"])


class Position(Case):
    def test_array(self):
        "in a JSON array the position is the number of the element"
        rows = [json.dumps(testimony("t%d" % i, i, "C%d" % i)) for i in range(3)]
        rows[1] = rows[1].replace("capacity", "capacty")
        store = self.path("store")
        s = self.run_store(store, "--events", self.write("e.json", "[\n%s\n]\n" % ",\n".join(rows)))
        self.assertEqual((s["processed"], s["quarantined"]), (2, 1))
        q = self.dideban("quarantine", "list", "--store", store, "--json").rows
        self.assertTrue(q[0]["position"].endswith("e.json:2"), q)

    def test_packed_standard_input(self):
        "packed bytes on standard input are refused with the way to unpack them, not set aside line by line"
        import gzip, lzma
        raw = "".join(line(e) for e in four_cases()).encode()
        for packed, cure in ((gzip.compress(raw), "zcat"), (lzma.compress(raw), "xzcat"), (b"\x28\xb5\x2f\xfd" + bytes(20), "zstdcat")):
            self.assertIn(cure, self.dideban("run", "--store", self.path("store"), "--events", "-", stdin=packed, status=2).err)
        self.assertEqual(self.run_store(self.path("store"), "--events", "-", stdin=raw)["consumed"], 4)

    def test_truncated_gzip(self):
        "a compressed file that breaks off: what came before counts, then a clear fault and exit 4"
        import gzip
        raw = gzip.compress("".join(line(testimony("t%d" % i, i, "C%d" % i)) for i in range(2000)).encode())
        done = self.dideban("run", "--store", self.path("store"), "--events", self.write("e.ndjson.gz", raw[:len(raw) // 2]), status=4)
        self.assertIn("e.ndjson.gz", done.err)

    def test_missing_file(self):
        "a file that is not there: its name, and exit 4"
        done = self.dideban("run", "--store", self.path("store"), "--events", self.path("gone.ndjson"), status=4)
        self.assertIn("gone.ndjson", done.err)


if __name__ == "__main__":
    unittest.main()
