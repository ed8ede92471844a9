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

    def alerts_file(self):
        with open(self.path("alerts"), encoding="utf8") as f:
            return f.read()

    def sent(self):
        return [(r["type"], r["data"]["subject"]) for r in map(json.loads, self.alerts_file().split("\n")[:-1])]

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

    def test_rebuilt_database_and_alerts_file(self):
        "the whole journal folded again, or what is behind an older database: a row that the alerts file has is not written once more"
        store, none = self.path("store"), self.events("none", [])
        to = ("--alerts", self.path("alerts"))
        four, three = self.rules("four"), self.rules("three", ("default = 4, ", "default = 3, "))
        self.run_store(store, "--rules", four, "--events", self.events("a", four_cases()), *to)
        shutil.copytree(os.path.join(store, "db"), self.path("db"))
        self.run_store(store, "--rules", three, "--events", self.events("b", four_cases("u", "x-name:B")), *to)
        self.run_store(store, "--rules", four, "--events", self.events("c", four_cases("v", "x-name:C")), *to)
        rows = self.alerts_file()
        self.assertGreater(rows.count("\n"), 2)
        for older in (False, True):
            shutil.rmtree(os.path.join(store, "db"))
            if older:
                shutil.copytree(self.path("db"), os.path.join(store, "db"))
            self.run_store(store, "--events", none, *to)
            self.assertEqual(self.alerts_file(), rows)

    def test_older_database_without_a_place_in_the_alerts_file(self):
        "the older database knows of no alerts file, which got its first rows after it was copied"
        store, none = self.path("store"), self.events("none", [])
        to = ("--alerts", self.path("alerts"))
        self.run_store(store, "--rules", self.rules("four"), "--events", self.events("a", four_cases()[:3]))
        shutil.copytree(os.path.join(store, "db"), self.path("db"))
        self.run_store(store, "--rules", self.rules("three", ("default = 4, ", "default = 3, ")), "--events", self.events("b", four_cases("u", "x-name:B")), *to)
        rows = self.alerts_file()
        self.assertGreater(rows.count("\n"), 0)
        shutil.rmtree(os.path.join(store, "db"))
        shutil.copytree(self.path("db"), os.path.join(store, "db"))
        self.run_store(store, "--events", none, *to)
        self.assertEqual(self.alerts_file(), rows)

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

    def readdressed(self, *changes):
        """Two witnesses: A in four cases, B in six. What was sent as the rule changed, by type, and the alerts then."""
        store = self.path("store")
        rows = four_cases() + [testimony("b%d" % i, i, "B%d" % i, "x-name:B") for i in range(6)]
        self.run_store(store, "--rules", self.rules("before"), "--events", self.events("e", rows), "--alerts", self.path("first"))
        self.run_store(store, "--rules", self.rules("after", *changes), "--events", self.events("none", []), "--alerts", self.path("alerts"))
        with open(self.path("alerts"), encoding="utf8") as f:
            sent = [json.loads(line) for line in f]
        return sent, {a["alert_id"]: a for a in self.alerts(store)}

    def test_other_audience(self):
        "a rule that tells others: what receivers hold is withdrawn from those who got it, and raised to the new ones; nobody else hears of it"
        sent, alerts = self.readdressed(('audience = { "judge" }', 'audience = { "supervisor" }'), ("deliver = { judge =", "deliver = { supervisor ="))
        by = lambda kind, who: [m["data"]["alert_id"] for m in sent if m["type"] == kind and m["data"]["audience"] == [who]]
        self.assertEqual(len(alerts), 4)
        self.assertEqual(len(sent), 8)
        self.assertEqual(sorted(by("alert.withdrawn", "judge")), sorted(alerts))
        self.assertEqual(sorted(by("alert.raised", "supervisor")), sorted(alerts))
        for m in sent:
            self.assertEqual(m["data"]["seq"], 2 if m["type"] == "alert.withdrawn" else 3)
        self.assertEqual({(a["state"], a["seq"]) for a in alerts.values()}, {("standing", 3)})

    def test_withdrawn_as_it_was(self):
        "an alert that the changed rule no longer supports is withdrawn in the words, parameters and version that it was raised with, from those who got it; so it is shown ever after"
        changes = [("default = 4, ", "default = 6, "), ('audience = { "judge" }', 'audience = { "supervisor" }'), ("deliver = { judge =", "deliver = { supervisor ="),
                   ("several", "some"), ('version = "1.0.0"', 'version = "1.1.0"')]
        sent, alerts = self.readdressed(*changes)
        gone = [m["data"] for m in sent if m["type"] == "alert.withdrawn" and alerts[m["data"]["alert_id"]]["state"] == "withdrawn"]
        self.assertEqual(len(gone), 3)
        for said, shown in [(d, alerts[d["alert_id"]]) for d in gone]:
            for d in (said, shown):
                self.assertEqual((d["rule_version"], d["params"]["at_least"], d["outcome"], d["audience"], d["reason"]), ("1.0.0", 4, "several", ["judge"], "rule changed"))
                self.assertEqual(d["text"]["en"], "This witness testified in %d cases in the last 365 days." % d["values"]["n"])
                self.assertNotIn("evidence", d)
        text = self.dideban("explain", "--store", self.path("store"), gone[0]["alert_id"]).out
        self.assertIn("reason: rule changed", text)
        self.assertIn("no longer what it was", text)

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
