"""What an alert does when evidence comes late, is taken back or is contested; small stories told through the program."""
import itertools, json, os, shutil, unittest

from lib import Case, REDUCED, ROOT
from made import *


class Story(Case):
    def tell(self, *batches):
        """Each batch of events is one run into one store; returns the alerts at the end."""
        self.store = self.path("store%d" % len(getattr(self, "told", [])))
        self.told = getattr(self, "told", []) + [self.store]
        self.sink = self.store + ".alerts"
        for i, batch in enumerate(batches):
            self.run_store(self.store, "--alerts", self.sink, "--events", self.events("b%d.ndjson" % i, batch))
        return self.alerts(self.store)

    def states(self, alerts):
        return sorted(a["state"] for a in alerts)

    def messages(self):
        with open(self.sink, encoding="utf8") as f:
            rows = [json.loads(x) for x in f]
        last = {}
        for r in rows:
            d = r["data"]
            self.assertEqual(r["id"], "%s/%d" % (d["alert_id"], d["seq"]))
            self.assertGreater(d["seq"], last.get(d["alert_id"], 0))
            last[d["alert_id"]] = d["seq"]
        return [(r["type"], r["data"]["opening"]["id"], r["data"]["level"]) for r in rows]

    def same_in_every_order(self, events):
        """All orders of four events, every seventh of five, one run each, end in the same standing alerts; returns them."""
        seen = set()
        step = (7 if len(events) > 4 else 1) * (5 if REDUCED else 1)      # an order takes no path through the program that another does not
        for i, order in enumerate(itertools.permutations(events)):
            if i % step == 0:
                store = self.path("order%d" % i)
                self.run_store(store, "--events", self.events("o.ndjson", order))
                seen.add("\n".join(self.standing(store)))
        self.assertEqual(len(seen), 1)
        return seen.pop()


class Witness(Story):
    def test_raise(self):
        "the fourth case raises one notice, with its sentence, values, evidence and window"
        a, = self.tell(four_cases())
        self.assertEqual((a["state"], a["rule"], a["subject"], a["level"], a["values"]["n"]), ("standing", "witness-repeat", "person/x-name:A", "info", 4))
        self.assertEqual((a["opening"]["id"], a["trigger"]["id"], a["opened_at"], a["seq"]), ("t3", "t3", at(30), 1))
        self.assertIn("4 cases", a["text"]["en"])
        self.assertIn("۴ پرونده", a["text"]["fa"])
        self.assertEqual([e["id"] for e in a["evidence"]], ["t3", "t2", "t1", "t0"])
        self.assertEqual(a["evidence_total"], 4)
        self.assertEqual(a["evidence"][0]["fields"]["case_id"], "t-C3")
        self.assertTrue(a["evidence"][0]["position"].endswith("b0.ndjson:4"), a["evidence"][0])
        self.assertEqual((a["window"]["from"], a["window"]["to"]), ("2023-04-20T08:00:00Z", at(30)))
        self.assertTrue(a["rule_hash"].startswith("sha256:"))
        self.assertEqual(self.messages(), [("alert.raised", "t3", "info")])

    def test_edge_of_the_window(self):
        "an entry exactly as old as the window counts; one second older does not"
        rows = [testimony("t%d" % i, 0 if i == 0 else 365, "C%d" % i) for i in range(4)]
        self.assertEqual(self.states(self.tell(rows)), ["standing"])
        rows[0] = testimony("t0", 0, "C0", seconds=-1)
        self.assertEqual(self.tell(rows), [])

    def test_retraction_withdraws(self):
        "a retracted testimony withdraws the notice from everyone who got it"
        a, = self.tell(four_cases(), [retraction("r1", "t1", 40)])
        self.assertEqual((a["state"], a["seq"]), ("withdrawn", 2))
        self.assertEqual([m[0] for m in self.messages()], ["alert.raised", "alert.withdrawn"])

    def test_retraction_first(self):
        "a retraction that comes before what it names does the same, and nothing is sent"
        self.assertEqual(self.tell([retraction("r1", "t1", 40)] + four_cases()), [])
        self.assertEqual(self.tell([retraction("r1", "t1", 40)], four_cases()), [])

    def test_retraction_for_ever(self):
        "what was retracted does not come back when it is sent again"
        self.assertEqual(self.states(self.tell(four_cases(), [retraction("r1", "t1", 40)], four_cases())), ["withdrawn"])

    def test_retraction_of_retraction(self):
        "a retraction cannot be retracted"
        back = retraction("r2", "r1", 41, target_source="/courts/corrections")
        self.assertEqual(self.states(self.tell(four_cases(), [retraction("r1", "t1", 40)], [back])), ["withdrawn"])
        self.assertEqual(self.tell([back], [retraction("r1", "t1", 40)], four_cases()), [])

    def test_comes_back(self):
        "a withdrawn notice that is supported again keeps its id and goes on with its numbers"
        rows = four_cases()
        first = self.tell(rows)[0]["alert_id"]
        late = testimony("late", 5, "C-late")
        a = {x["alert_id"]: x for x in self.tell(rows, [retraction("r1", "t1", 40)], [late])}
        self.assertEqual((a[first]["state"], a[first]["seq"]), ("standing", 3))

    def test_late(self):
        "a late testimony goes to its place: later triggers are judged again"
        rows = four_cases()
        early = self.tell(rows[1:] + [testimony("t9", 50, "t-C9")], [rows[0]])
        self.assertEqual(sorted((x["opening"]["id"], x["values"]["n"]) for x in early if x["state"] == "standing"), [("t3", 4), ("t9", 5)])
        self.same_in_every_order(rows + [testimony("t9", 50, "t-C9")])

    def test_each_case_its_own(self):
        "each case has its own judge: one notice for each case from the fourth on, a second testimony in one case is silent"
        rows = four_cases() + [testimony("t4", 35, "t-C3"), testimony("t5", 40, "t-C5")]
        found = self.tell(rows)
        self.assertEqual(sorted((x["opening"]["id"], x["held_back"]) for x in found), [("t3", 1), ("t5", 0)])

    def test_level_rises(self):
        "when the level rises an update follows"
        rows = [testimony("t%d" % i, i, "C%d" % (i if i != 8 else 3)) for i in range(9)]
        a = {x["opening"]["id"]: x for x in self.tell(rows)}
        self.assertEqual((a["t3"]["level"], a["t3"]["trigger"]["id"], a["t3"]["values"]["n"]), ("warning", "t8", 8))

    def test_equal_times(self):
        "at one instant the total order is by source and id, not by arrival"
        rows = [testimony("t%d" % i, 0, "C%d" % i, source=s) for i, s in enumerate(("/courts/b", "/courts/a", "/courts/a", "/courts/b", "/courts/a"))]
        found = self.same_in_every_order(rows)
        self.assertEqual(sorted(json.loads(x)["opening"]["id"] for x in found.split("\n")), ["t0", "t3"])

    def test_before_1970(self):
        "times before 1970 and in the far past are times like any other"
        rows = [event("t%d" % i, "testimony.given", "%04d-03-01T00:00:00Z" % (1834 if i < 4 else 1), {"witness": {"id": "x-name:A"}, "case_id": "C%d" % i, "capacity": "lay"}) for i in range(8)]
        self.assertEqual(sorted(x["opened_at"] for x in self.tell(rows)), ["0001-03-01T00:00:00Z", "1834-03-01T00:00:00Z"])

    def test_not_lay(self):
        "officials neither count nor trigger"
        rows = four_cases()
        rows[1]["data"]["capacity"] = "official"
        self.assertEqual(self.tell(rows), [])

    def test_set(self):
        "--set changes a parameter; a wrong one is refused with its bounds"
        f = self.events("e.ndjson", four_cases()[:3])
        self.run_store(self.path("s"), "--set", "witness-repeat.at_least=3", "--events", f)
        self.assertEqual(len(self.alerts(self.path("s"))), 1)
        for bad in ("witness-repeat.at_least=1", "witness-repeat.at_least=x", "witness-repeat.at_lest=3", "witness-repeet.at_least=3", "nonsense"):
            done = self.dideban("run", "--store", self.path("s2"), "--set", bad, "--events", f, status=None)
            self.assertIn(done.status, (1, 2), done)

    def test_expires(self):
        "--now makes one tick: what has expired ends"
        f = self.events("e.ndjson", four_cases())
        self.run_store(self.path("s"), "--events", f)
        self.assertEqual(self.states(self.alerts(self.path("s"))), ["standing"])
        self.run_store(self.path("s"), "--now", at(100), "--events", f)
        self.assertEqual(self.states(self.alerts(self.path("s"))), ["standing"])
        self.run_store(self.path("s"), "--now", at(30 + 90), "--events", f)
        self.assertEqual(self.states(self.alerts(self.path("s"))), ["ended"])

    def test_persian_digits(self):
        "an identifier in Persian digits is the same person"
        rows = [testimony("t%d" % i, i, "C%d" % i, "nid:0084575948" if i % 2 else "nid:۰۰۸۴۵۷۵۹۴۸") for i in range(4)]
        a, = self.tell(rows)
        self.assertEqual(a["subject"], "person/nid:0084575948")


class Clock(Story):
    def test_day_of_review(self):
        "after its day of review a rule says no more: what it said of later events is taken back, whenever the clock passes that day"
        rules = self.path("rules")
        shutil.copytree(os.path.join(ROOT, "rules"), rules)
        name = os.path.join(rules, "witness-repeat.lua")
        with open(name, encoding="utf8") as f:
            text = f.read()
        with open(name, "w", encoding="utf8") as f:
            f.write(text.replace('review_by = "2036-03-20"', 'review_by = "2024-04-25"'))
        before, after = four_cases("a"), four_cases("b", "x-name:B", first=20)
        for cache, checkpoint in (("512MiB", 100000), ("1KiB", 3)):
            options = ("--rules", rules, "--cache", cache, "--checkpoint-events", str(checkpoint))
            store, sink = self.path("store-" + cache), self.path("alerts-" + cache)
            self.run_store(store, "--events", self.events("e.ndjson", before + after), "--alerts", sink, *options)
            self.assertEqual([(a["opening"]["id"], a["state"]) for a in self.alerts(store)], [("a3", "standing"), ("b3", "standing")])
            late = self.events("late.ndjson", four_cases("c", "x-name:C", first=21))
            self.run_store(store, "--events", late, "--alerts", sink, "--now", "2024-05-15T00:00:00Z", *options)
            self.assertEqual([(a["opening"]["id"], a["state"]) for a in self.alerts(store)], [("a3", "standing"), ("b3", "withdrawn"), ("c3", "withdrawn")])
            with open(sink, encoding="utf8") as f:
                last = [json.loads(x) for x in f][-1]
            self.assertEqual((last["type"], last["data"]["reason"]), ("alert.withdrawn", "day of review passed"))
            self.run_store(store, "--events", self.events("later.ndjson", four_cases("d", "x-name:D", first=22)), "--alerts", sink, *options)
            self.assertEqual(sorted({a["opening"]["id"] for a in self.alerts(store) if a["state"] == "standing"}), ["a3"])


class Fugitive(Story):
    def test_lead(self):
        "a wanted person at a gate: one lead that asks to verify, never to arrest"
        a, = self.tell([issued("w", "W1", 0), passed("g", 1)])
        self.assertEqual((a["rule"], a["state"], a["subject"], a["opening"]["id"]), ("fugitive-at-gate", "standing", "person/x-name:F", "g"))
        self.assertIn("erify identity", a["text"]["en"])
        self.assertNotRegex(a["text"]["en"].lower(), "arrest")
        self.assertNotIn("بازداشت", a["text"]["fa"])

    def test_late_end_withdraws(self):
        "an end or a suspension that arrives late withdraws the lead"
        for kind in ("ended", "suspended"):
            a, = self.tell([issued("w", "W1", 0), passed("g", 3)], [changed("x", "W1", 2, kind)])
            self.assertEqual(a["state"], "withdrawn", kind)
            self.assertEqual([m[0] for m in self.messages()], ["alert.raised", "alert.withdrawn"])

    def test_told_passage_taken_back(self):
        "the passage that the last message showed is taken back while a later one, never told, is shown: receivers are told"
        a, = self.tell([issued("w", "W1", 0), passed("g0", 3), passed("g1", 3, seconds=60)], [passed("g2", 3, seconds=120)], [retraction("r", "g1", 4, target_source="/gates/g1")])
        self.assertEqual((a["opening"]["id"], a["trigger"]["id"]), ("g0", "g2"))
        self.assertEqual([m[0] for m in self.messages()], ["alert.raised", "alert.updated"])

    def test_end_in_one_batch(self):
        "a raise and its withdrawal both unsent send nothing, or a pair"
        self.tell([issued("w", "W1", 0), passed("g", 3), changed("x", "W1", 2, "ended")])
        self.assertIn([m[0] for m in self.messages()], ([], ["alert.raised", "alert.withdrawn"]))
        self.assertEqual(self.standing(self.store), [])

    def test_life_cycle(self):
        "suspended is off, resumed is on, ended is off; validity start counts, its end does not"
        rows = [issued("w", "W1", 0, begin=1, end=100), changed("s", "W1", 10, "suspended"), changed("r", "W1", 20, "resumed"), changed("e", "W1", 50, "ended"),
                issued("v", "W2", 60, begin=60, end=70)]
        times = {"g0": 0.5, "g1": 1, "g11": 11, "g21": 21, "g51": 51, "g60": 60, "g70": 70, "g69": 69.99}
        found = self.tell(rows + [passed(g, 0, seconds=int(d * DAY), site="s" + g) for g, d in times.items()])
        self.assertEqual(sorted(x["opening"]["id"] for x in found), ["g1", "g21", "g60", "g69"])

    def test_scope(self):
        "a district's warrant counts in its district only; nationwide everywhere"
        found = self.tell([issued("w", "W1", 0, district="d1"), passed("g1", 1, site="s1", district="d1"), passed("g2", 2, site="s2", district="d2"), passed("g3", 3, site="s3", district=None)])
        self.assertEqual([x["opening"]["id"] for x in found], ["g1"])
        rows = self.dideban("eval", "rules/fugitive-at-gate.lua", "--events", self.path("b0.ndjson"), "--json").rows
        self.assertEqual({r["trigger"]["id"]: r["level"] for r in rows if r["level"] in ("clear", "unknown")}, {"g2": "clear", "g3": "unknown"})

    def test_episode(self):
        "passages of one site within a quarter of an hour are one lead; another site, or later, is another"
        minute = 60
        rows = [issued("w", "W1", 0), passed("a", 1), passed("b", 1, seconds=15 * minute), passed("c", 1, seconds=30 * minute + 1), passed("d", 1, seconds=60, site="s2")]
        found = {x["opening"]["id"]: x for x in self.tell(rows)}
        self.assertEqual(sorted(found), ["a", "c", "d"])
        self.assertEqual(found["a"]["trigger"]["id"], "b")
        self.same_in_every_order(rows)

    def test_merge(self):
        "a late passage between two episodes makes them one: the later card is replaced, numbers go on"
        rows = [issued("w", "W1", 0), passed("a", 1), passed("b", 1, seconds=1500)]
        found = {x["opening"]["id"]: x for x in self.tell(rows, [passed("m", 1, seconds=750)])}
        self.assertEqual((found["a"]["state"], found["b"]["state"]), ("standing", "withdrawn"))
        self.assertEqual(found["b"].get("replaced_by"), found["a"]["alert_id"])
        self.same_in_every_order(rows + [passed("m", 1, seconds=750)])

    def test_split(self):
        "taking the passage between back splits them again"
        rows = [issued("w", "W1", 0), passed("a", 1), passed("b", 1, seconds=1500), passed("m", 1, seconds=750)]
        found = {x["opening"]["id"]: x for x in self.tell(rows, [retraction("r", "m", 2, target_source="/gates/g1")])}
        self.assertEqual((found["a"]["state"], found["b"]["state"]), ("standing", "standing"))

    def test_opening_moves(self):
        "an earlier passage moves the opening: the old id is replaced by the new"
        rows = [issued("w", "W1", 0), passed("b", 1, seconds=600)]
        found = {x["opening"]["id"]: x for x in self.tell(rows, [passed("a", 1)])}
        self.assertEqual((found["a"]["state"], found["b"]["state"]), ("standing", "withdrawn"))
        self.assertEqual(found["b"].get("replaced_by"), found["a"]["alert_id"])
        with open(self.sink, encoding="utf8") as f:
            raised = [r["data"] for r in map(json.loads, f) if r["data"]["alert_id"] == found["a"]["alert_id"]]
        self.assertEqual(raised[0].get("replaces"), found["b"]["alert_id"])

    def test_without_identifier(self):
        "a passage without identifier is never a lead: it is counted as unknown, once, and eval shows it"
        rows = [issued("w", "W1", 0), passed("g", 1, who=None), passed("h", 2, who=None), retraction("r", "h", 3, target_source="/gates/g1"), passed("g", 1, who=None),
                testimony("t", 1, "C1")]
        path = self.events("nameless.ndjson", rows)
        done = self.run_store(self.path("nameless"), "--events", path)
        rule, = [r for r in done["rules"] if r["rule"] == "fugitive-at-gate"]
        self.assertEqual((rule["unknown"], rule["alert"]), (2, 0), rule)
        self.assertEqual(self.alerts(self.path("nameless")), [])
        for where in (("--events", path), ("--store", self.path("nameless"))):
            row, = self.dideban("eval", "rules/fugitive-at-gate.lua", "--json", *where).rows
            self.assertEqual((row["subject"], row["trigger"]["id"], row["outcome"], row["level"], row["detail"]), (None, "g", "unknown", "unknown", "person has no identifier"))
            self.assertEqual(self.dideban("eval", "rules/witness-repeat.lua", "--json", *where).rows[0]["trigger"]["id"], "t")


class Explain(Story):
    def test_explain(self):
        "explain shows sentence, values, evidence with positions, parameters, history, and says whether it still holds"
        a, = self.tell(four_cases())
        text = self.dideban("explain", a["alert_id"], "--store", self.store).out
        for part in (a["text"]["en"], "t-C3", "b0.ndjson:1", "365", a["rule_hash"][:20]):
            self.assertIn(part, text)
        row = self.dideban("explain", a["alert_id"], "--store", self.store, "--json").rows[0]
        self.assertIs(row["holds"], True)

    def test_explain_numbers(self):
        "one way to write a number: explain, its --json and the message; a duration has its unit"
        shutil.copytree(os.path.join(ROOT, "rules", "events"), self.path("rules", "events"))
        with open(os.path.join(ROOT, "rules", "witness-repeat.lua"), encoding="utf8") as f:
            text = f.read()
        self.assertIn("  params = {\n", text)
        self.write("rules/witness-repeat.lua", text.replace("  params = {\n", '  params = {\n    tiny = { type = "number", default = 1e-6, min = 0, max = 1, doc = "small" },\n', 1))
        self.store = self.path("store")
        self.dideban("run", "--rules", self.path("rules"), "--store", self.store, "--events", self.events("e.ndjson", four_cases()))
        a, = self.dideban("alerts", "--store", self.store, "--json").rows
        shown = self.dideban("explain", a["alert_id"], "--store", self.store)
        self.assertIn("tiny = 1e-06", shown.out)
        self.assertIn("span = 365 days", shown.out)
        done = self.dideban("explain", a["alert_id"], "--store", self.store, "--json")
        self.assertIn('"tiny":1e-06', done.out)
        self.assertEqual(done.rows, [dict(a, holds=True)])

    def test_cards_differ(self):
        "alerts of one rule about one subject are told apart by their episode; a window without a beginning says so"
        rows = [issued("w", "W1", 0), passed("a", 1, site="s1"), passed("b", 1, site="s2")]
        found = self.tell(rows)
        self.assertEqual(len(found), 2)
        out = self.dideban("alerts", "--store", self.store).out
        for a in found:
            self.assertIn(a["episode"], out)
        self.assertRegex(self.dideban("explain", found[0]["alert_id"], "--store", self.store).out, r"(?m)^window +\S.* to \S+Z$")

    def test_unknown_kind(self):
        "a subject of a kind that there is not is no good news: the nearest kind is named"
        self.tell(four_cases())
        for command in (("timeline", "persn/x-name:A"), ("alerts", "--subject", "persn/x-name:A")):
            self.assertIn("did you mean person?", self.dideban(*command, "--store", self.store).err)
        for command in (("timeline", "person/x-name:B"), ("alerts", "--subject", "person/x-name:B")):
            self.assertEqual(self.dideban(*command, "--store", self.store).err, "")

    def test_unknown_alert(self):
        "explain of an id that is not there says so"
        self.tell(four_cases())
        done = self.dideban("explain", "0" * 32, "--store", self.store, status=None)
        self.assertIn(done.status, (1, 2))
        self.assertTrue(done.err)

    def test_timeline(self):
        "timeline prints a subject's entries in total order"
        self.tell(list(reversed(four_cases())))
        rows = self.dideban("timeline", "person/x-name:A", "--store", self.store, "--json").rows
        self.assertEqual([r["id"] for r in rows], ["t0", "t1", "t2", "t3"])
        self.assertEqual(rows[0]["role"], "witness")
        self.assertIn("t-C0", self.dideban("timeline", "person/x-name:A", "--store", self.store).out)

    def test_filters(self):
        "alerts by rule and by subject"
        self.tell(four_cases() + [issued("w", "W1", 0), passed("g", 1)])
        self.assertEqual(len(self.alerts(self.store)), 2)
        self.assertEqual([a["rule"] for a in self.alerts(self.store, "--rule", "fugitive-at-gate")], ["fugitive-at-gate"])
        self.assertEqual([a["rule"] for a in self.alerts(self.store, "--subject", "person/x-name:A")], ["witness-repeat"])
        human = self.dideban("alerts", "--store", self.store).out
        self.assertIn("4 cases", human)
        self.assertNotIn("\x1b", human)


class Rules(Story):
    def test_rule_change(self):
        "another parameter judges the past anew: what it does not support is withdrawn, what it adds is stored and not sent"
        f = self.events("e.ndjson", four_cases() + four_cases("u", "x-name:B")[:3])
        store = self.path("s")
        self.run_store(store, "--events", f)
        self.assertEqual([a["subject"] for a in self.alerts(store) if a["state"] == "standing"], ["person/x-name:A"])
        self.run_store(store, "--set", "witness-repeat.at_least=3", "--events", f, "--alerts", self.path("sink"))
        self.assertEqual(sorted({a["subject"] for a in self.alerts(store) if a["state"] == "standing"}), ["person/x-name:A", "person/x-name:B"])
        self.run_store(store, "--set", "witness-repeat.at_least=5", "--events", f)
        self.assertEqual([a for a in self.alerts(store) if a["state"] == "standing"], [])


if __name__ == "__main__":
    unittest.main()
