"""Real input: 214,239 testimonies at the Old Bailey, 1834 to 1879, against what is expected, computed apart from the engine."""
import collections, os, unittest

from lib import *

# expected file -> (capacity of the witnesses, days, at least)
WANTED = {"repeat_4_in_365_all_lay": ("lay", 365, 4), "repeat_3_in_30_all_lay": ("lay", 30, 3), "repeat_4_in_365_keyword_lay": ("keyword", 365, 4)}


def since():
    return ["--from", "1876"] if REDUCED else []


@needs_shared("data")
class OldBailey(Case):
    one_by_one = True
    minutes = 10

    def compare(self, name):
        capacity, days, at_least = WANTED[name]
        path = old_bailey("--capacity", capacity, *since())
        limits = ["--days", str(days), "--at-least", str(at_least)]
        if REDUCED:
            rows = truth("witness_repeat_truth", path, *limits)
        else:
            with open(shared("data", "old-bailey", "expected", name + ".tsv"), encoding="utf8") as f:
                rows = [r.rstrip("\n").split("\t") for r in f]
        store = self.path("store")
        s = self.run_store(store, "--events", path, "--set", "witness-repeat.span=%d" % days, "--set", "witness-repeat.at_least=%d" % at_least)
        self.assertEqual((s["quarantined"], s["duplicates"]), (0, 0))
        alerts = [a for a in self.alerts(store) if a["state"] == "standing" and a["rule"] == "witness-repeat"]
        earliest = {}
        for a in alerts:
            key = moment(a["opened_at"]), a["opening"]["source"].encode(), a["opening"]["id"].encode()
            earliest[a["subject"]] = min(earliest.get(a["subject"], key), key)
        self.assertGreater(len(rows), 20 if REDUCED else 500)
        self.assertEqual({who: key[2].decode() for who, key in earliest.items()}, {"person/" + r[0]: r[1] for r in rows})
        # One for every (witness, case) that a trigger reaches, opened by the first and showing the last at the highest level.
        triggers = []
        rows = truth("witness_repeat_truth", path, "--triggers", *limits)
        found = by_id(path, [r[0] for r in rows])
        for eid, who, n in rows:
            e = found[eid]
            triggers.append(Trigger(moment(e["time"]), e["source"], eid, "person/" + who, e["data"]["case_id"], "warning" if int(n) >= 8 else "info"))
        self.assertEqual(set(standing_rows(alerts, "witness-repeat")), episodes(triggers))
        return store

    def test_4_in_365(self):
        "4 cases in 365 days, everybody lay: the persons of the expected file; the same shuffled, and with a third of the events late"
        store = self.compare("repeat_4_in_365_all_lay")
        for name, path in (("shuffled", shuffled(old_bailey("--capacity", "lay", *since()))), ("late", old_bailey("--capacity", "lay", "--late", "0.33", *since()))):
            s = self.run_store(self.path(name), "--events", path)
            self.assertGreater(s["late"], 100 if REDUCED else 5000)
            self.assertEqual(self.standing(store), self.standing(self.path(name)), name)

    def test_3_in_30(self):
        "3 cases in 30 days, everybody lay"
        self.compare("repeat_3_in_30_all_lay")

    def test_keyword(self):
        "4 cases in 365 days, policemen and surgeons told apart"
        self.compare("repeat_4_in_365_keyword_lay")


if __name__ == "__main__":
    unittest.main()
