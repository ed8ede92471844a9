"""Hostile input through the whole program: whatever the lines are, consumed = processed + duplicates + quarantined, and a hostile
rule troubles no other."""
import gzip, os, random, re

from lib import Case, DEEP, REDUCED, ROOT, line
from made import *

SEED = 1403
LINES = 1000000 if DEEP else 20000 if REDUCED else 100000
WORDS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\ud800", b"null", b"1e999", b"9223372036854775808", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf",
         b"\x00", b"\r", b"\t", b"\xe2\x80\xa8", b'"time":1,', b'"id":"x",', b"9999-12-31T23:59:60Z", b"\xdb\xb1", b"x" * 5000]


def cases():
    """The texts of tests/unit/json_cases.txt that fit on a line."""
    with open(os.path.join(ROOT, "tests", "unit", "json_cases.txt"), "rb") as f:
        for row in f.read().split(b"\n"):
            if row and not row.startswith(b"#"):
                text = (row.split(b" ", 2) + [b""])[2]
                text = re.sub(rb"<(\d+)\*([^>]*)>", lambda m: m.group(2) * int(m.group(1)), text)
                text = re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m.group(1), 16)]), text)
                if b"\n" not in text:
                    yield text


def mutated(events, rnd):
    raw = bytearray(rnd.choice(events))
    for _ in range(rnd.choice((0, 1, 1, 1, 2, 4))):
        at = rnd.randrange(len(raw) + 1)
        u = rnd.randrange(6)
        if u == 0 and at < len(raw):
            raw[at] ^= 1 << rnd.randrange(8)
        elif u == 1:
            del raw[at:at + rnd.randrange(20)]
        elif u == 2:
            raw[at:at] = rnd.choice(WORDS)
        elif u == 3:
            raw[at:] = rnd.choice(events)[at:]
        elif u == 4:
            del raw[at:]
        else:
            raw[at:at] = raw[at:at + rnd.randrange(12)]
    return bytes(raw).replace(b"\n", b" ")


class Input(Case):
    def setUp(self):
        super().setUp()
        rnd = random.Random(SEED)
        world = self.path("world.ndjson")
        with open(world, "wb") as f:
            f.write(self.dideban("generate", "world", "--seed", SEED, "--events", 5000).out.encode())
        with open(world, "rb") as f:
            events = f.read().splitlines()
        head = b'{"specversion":"1.0","id":"j","source":"/j","type":"testimony.given","time":"2024-03-20T08:00:00Z","data":'
        rows = [t for c in cases() for t in (c, head + c + b"}")] + [mutated(events, rnd) for _ in range(LINES)]
        rnd.shuffle(rows)
        self.rows = [r for r in rows if r.strip(b" \t\r\n\x0b\x0c\x00")]
        self.file = self.write("hostile.ndjson", b"\n".join(self.rows) + b"\n")

    def identity(self, s):
        self.assertEqual(s["consumed"], s["processed"] + s["duplicates"] + s["quarantined"], s)

    def test_identity(self):
        "every line of a file of damaged events is accounted for, at once, packed, in small batches, and again"
        store = self.path("store")
        first = self.run_store(store, "--events", self.file)
        self.identity(first)
        self.assertEqual(first["consumed"], len(self.rows))
        self.assertGreater(min(first["processed"], first["duplicates"], first["quarantined"]), len(self.rows) // 50)
        listed = self.dideban("quarantine", "list", "--store", store, "--json").rows
        self.assertTrue(all(r["reason"] and r["detail"] and r["position"] for r in listed))
        self.assertEqual(len({r["id"] for r in listed}), len(listed))
        again = self.run_store(store, "--events", self.file)
        self.identity(again)
        self.assertEqual((again["consumed"], again["processed"]), (first["consumed"], 0))
        with gzip.open(self.path("hostile.ndjson.gz"), "wb", 1) as f:
            f.write(b"\n".join(self.rows))
        other = self.path("other")
        packed = self.run_store(other, "--events", self.path("hostile.ndjson.gz"), "--batch-events", "97")
        self.identity(packed)
        self.assertEqual([packed[k] for k in ("consumed", "processed", "duplicates")], [first[k] for k in ("consumed", "processed", "duplicates")])
        self.assertEqual(self.standing(store), self.standing(other))


HOSTILE = {
    "loop": "while true do end",
    "memory": "local t = {} while true do t[#t + 1] = {} end",
    "zeros": 'local s = ("\\0"):rep(16000) local t = s .. "x" while true do local x = s < t end',
    "bytes": 'error("\\xff\\xfe\\r\\n\\27[31m\\u{202e}")',
    "escape": 'local s = string s.upper = nil',
}


class Rules(Case):
    def test_others_unaffected(self):
        "beside rules of every kind of hostility the others' alerts are what they are without them"
        events = self.events("e.ndjson", [testimony("t%d" % i, i, "C%d" % i) for i in range(12)])
        rules, calm = self.path("rules"), self.path("calm")
        with open(os.path.join(ROOT, "rules", "witness-repeat.lua")) as f:
            good = f.read()
        body = re.compile(r"evaluate = function\(e, f, p\).*?\n  end,", re.S)
        self.assertEqual(len(body.findall(good)), 1)
        for folder in (rules, calm):
            self.write(os.path.join(folder, "witness-repeat.lua"), good)
            os.symlink(os.path.join(ROOT, "rules", "events"), os.path.join(folder, "events"))
        for name, script in HOSTILE.items():
            keep = 'if f.cases.n < 0 then return "many", { n = f.cases.n } end'
            text = body.sub(lambda m: "evaluate = function(e, f, p)\n    %s\n    do %s end\n    return \"few\"\n  end," % (keep, script), good)
            self.write(os.path.join(rules, "bad-%s.lua" % name), re.sub(r"tests = \{.*\n  \},?\n\}", "}", text.replace('id = "witness-repeat"', 'id = "bad-%s"' % name), flags=re.S))
        alone = self.run_store(self.path("s1"), "--events", events, "--rules", calm)
        beside = self.run_store(self.path("s2"), "--events", events, "--rules", rules)
        self.assertEqual(self.standing(self.path("s1")), self.standing(self.path("s2")))
        self.assertGreater(len(self.standing(self.path("s1"))), 0)
        self.assertEqual(alone["processed"], beside["processed"])
        told = {r["rule"]: r for r in beside["rules"]}
        for name in HOSTILE:
            self.assertEqual(told["bad-" + name]["error"], 12, told)
        self.assertEqual(told["witness-repeat"]["error"], 0, told)
