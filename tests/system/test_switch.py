"""Rule sets that change over a store with a past."""
import json, os, shutil, unittest

from lib import *
from made import *


class Switch(Case):
    def rules(self, name, *pairs, contract=()):
        """The shipped contracts with one rule, changed, without its tests."""
        folder = self.path(name)
        shutil.copytree(os.path.join(ROOT, "rules", "events"), os.path.join(folder, "events"))
        with open(os.path.join(ROOT, "rules", "witness-repeat.lua"), encoding="utf8") as f:
            text = f.read()
        text = text[:text.index("  tests = {")] + "  tests = {},\n}\n"
        for old, new in pairs:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.write(os.path.join(name, "witness-repeat.lua"), text)
        path = os.path.join(folder, "events", "testimony.given.json")
        with open(path, encoding="utf8") as f:
            text = f.read()
        for old, new in contract:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.write(path, text)
        return folder

    def sent(self):
        with open(self.path("alerts"), encoding="utf8") as f:
            return [(r["type"], r["data"]["subject"]) for r in map(json.loads, f)]

    def test_older_database(self):
        "an older copy of the database with the whole journal: events, a switch and events are folded again"
        store = self.path("store")
        self.run_store(store, "--rules", self.rules("four"), "--events", self.events("a", four_cases()))
        shutil.copytree(os.path.join(store, "db"), self.path("db"))
        self.run_store(store, "--events", self.events("b", four_cases("u", "x-name:B")))
        self.run_store(store, "--rules", self.rules("three", ("default = 4, ", "default = 3, ")), "--events", self.events("c", four_cases("v", "x-name:C")))
        before = self.alerts(store)
        shutil.rmtree(os.path.join(store, "db"))
        shutil.copytree(self.path("db"), os.path.join(store, "db"))
        self.assertEqual(self.alerts(store), before)  # looked at only
        self.run_store(store, "--events", self.events("d", four_cases("v", "x-name:C")))
        self.assertEqual(self.alerts(store), before)

    def test_review_moved(self):
        "a rule that was silent past its day of review says what it missed once the day is moved, and the other way round"
        short, long = self.rules("short", ("2036-03-20", "2024-03-25")), self.rules("long")
        last = ("--now", "2024-04-25T00:00:00Z", "--events", self.events("none", []))
        ends = {}
        for name, first, then in (("once", long, long), ("longer", short, long), ("never", short, short), ("shorter", long, short)):
            store = self.path("store-" + name)
            self.run_store(store, "--rules", first, *last)
            self.run_store(store, "--events", self.events("e", four_cases()))
            self.run_store(store, "--rules", then, *last)
            ends[name] = [(a["opening"]["id"], a["state"]) for a in self.alerts(store) if a["state"] != "withdrawn"]
        self.assertEqual(ends["once"], [("t3", "standing")])
        self.assertEqual(ends, {"once": ends["once"], "longer": ends["once"], "never": [], "shorter": []})

    def other_kind(self, *pairs, contract=()):
        store = self.path("store")
        self.run_store(store, "--rules", self.rules("person"), "--events", self.events("a", four_cases()), "--alerts", self.path("alerts"))
        self.assertEqual([a["state"] for a in self.alerts(store)], ["standing"])
        self.run_store(store, "--rules", self.rules("other", *pairs, contract=contract), "--events", self.events("b", four_cases("u", "x-name:B")), "--alerts", self.path("alerts"))
        self.assertIn(("alert.withdrawn", "person/x-name:A"), self.sent())
        found = [(a["subject"], a["state"]) for a in self.alerts(store)]
        self.assertIn(("person/x-name:A", "withdrawn"), found)
        # Back again: the alert stands, in silence.
        self.run_store(store, "--rules", self.path("person"), "--events", self.events("c", []), "--alerts", self.path("alerts"))
        self.assertIn(("person/x-name:A", "standing"), [(a["subject"], a["state"]) for a in self.alerts(store)])
        return found

    def test_other_role(self):
        "a rule that judges another kind of subject takes back what it said of the kind before"
        self.other_kind(('subject = "witness"', 'subject = "case"'), ('role = "witness"', 'role = "case"'))

    def test_other_kind(self):
        "so does one whose role became another kind in the contract alone"
        found = self.other_kind(contract=[('"witness": {"kind": "person"', '"witness": {"kind": "witness"')])
        self.assertIn(("witness/x-name:B", "standing"), found)

    def test_long_episode(self):
        "the longest subject and episode fields that contracts allow fit the store"
        fields = ("called_by", "hearing_id", "province")
        store = self.path("store")
        longer = [('"maxLength": %d' % n, '"maxLength": 1024') for n in (128, 64, 32)]
        rules = self.rules("long", ('episode = { "subject", "case_id" }', 'episode = { "subject", "case_id", "called_by", "hearing_id", "province" }'),
                           ('want = { "capacity", "court_id" }', 'want = { "capacity", "court_id", "called_by", "hearing_id", "province" }'), ("default = 4, ", "default = 2, "), contract=longer)
        rows = [testimony("t%d" % i, i, "%d" % i + "c" * 1023, "x-name:A") for i in range(2)]
        for e in rows:
            e["data"].update((f, "y" * 1024) for f in fields)
            e["data"]["witness"]["id"] = "x-name:" + "A" * 100
        self.run_store(store, "--rules", rules, "--events", self.events("e", rows))
        self.assertEqual(len(self.standing(store)), 1)


if __name__ == "__main__":
    unittest.main()
