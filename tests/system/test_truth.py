"""The headline rules against truth tools written apart from the engine, trigger by trigger and alert by alert, in file order and shuffled."""
import collections, json, unittest

from lib import *

# rule -> how a row of its truth tool reads: subject, episode, level, values; and `quiet` (None: episode_once), as in the rule file.
EVENTS = {"witness": 100000, "gate": 100000, "expert": 100000, "lifecycle": 30000, "register": 30000}
RULE = {"witness": "witness-repeat", "gate": "fugitive-at-gate", "lifecycle": "fugitive-at-gate", "expert": "expert-over-referral", "register": "expert-over-referral"}
TOOL = {"witness-repeat": "witness_repeat_truth", "fugitive-at-gate": "gate_truth", "expert-over-referral": "expert_truth"}


def events_of(kind):
    n = EVENTS[kind] // (20 if REDUCED else 1)
    return workload(kind, n, *(["--warrants", n // 10] if kind == "gate" else []))


def quiet_of(rule):
    """Seconds of `quiet` in the rule file, None where it says episode_once: the one thing that the truth tools do not know."""
    with open(os.path.join(ROOT, "rules", rule + ".lua"), encoding="utf8") as f:
        text = f.read()
    if re.search(r"episode_once\s*=\s*true", text):
        return None
    n, unit = re.search(r'quiet\s*=\s*"(\d+)([smhd])"', text).groups()
    return int(n) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def triggers_of(kind, path):
    """id -> (Trigger, values) of each trigger that must alert."""
    rule = RULE[kind]
    rows = truth(TOOL[rule], path, *(["--triggers"] if rule == "witness-repeat" else []))
    found = by_id(path, [r[0] for r in rows])
    out = {}
    for r in rows:
        e = found[r[0]]
        d = e["data"]
        if rule == "witness-repeat":
            n = int(r[2])
            subject, episode, level, values = "person/" + r[1], d["case_id"], "warning" if n >= 8 else "info", {"n": n}
        elif rule == "fugitive-at-gate":
            subject, episode, level, values = "person/" + r[1], d["site"], None, {"n": len(r[2].split(","))}
        else:
            subject, episode, level = "pool/%s:%s" % (d["province"], d["field"]), d["expert"]["id"], None
            values = {"n": int(r[2]), "total": int(r[3]), "experts": int(r[4])}
        out[r[0]] = Trigger(moment(e["time"]), e["source"], e["id"], subject, episode, level), values
    return out


class Truth(Case):
    one_by_one = True
    minutes = 9

    def eval_rows(self, kind, path, rule_file=None, *args):
        return self.dideban("eval", rule_file or os.path.join("rules", RULE[kind] + ".lua"), "--events", path, "--json", *args).rows

    def eval_agrees(self, kind, path):
        wanted = triggers_of(kind, path)
        rows = self.eval_rows(kind, path)
        alerts = {r["trigger"]["id"]: r for r in rows if r["level"] in LEVELS}
        self.assertEqual(len(alerts), sum(r["level"] in LEVELS for r in rows))
        self.assertGreater(len(wanted), 20)
        self.assertEqual(set(wanted), set(alerts))
        for eid, (t, values) in wanted.items():
            r = alerts[eid]
            self.assertEqual((r["subject"], r["trigger"]["source"], moment(r["trigger"]["time"])), (t.subject, t.source, t.time))
            self.assertEqual({k: r["values"].get(k) for k in values}, values, r)
            if t.level:
                self.assertEqual(r["level"], t.level)
        self.assertEqual([r for r in rows if r["level"] == "error"], [])
        order = [(moment(r["trigger"]["time"]), r["trigger"]["source"].encode(), r["trigger"]["id"].encode()) for r in rows]
        self.assertEqual(order, sorted(order))
        return rows, wanted

    def standing_agree(self, kind, path, name="store"):
        s = self.run_store(self.path(name), "--events", path)
        self.assertEqual(s["consumed"], s["processed"] + s["duplicates"] + s["quarantined"])
        self.assertEqual(s["quarantined"], 0)
        alerts = [a for a in self.alerts(self.path(name)) if a["rule"] == RULE[kind]]
        level = {a["trigger"]["id"]: a["level"] for a in alerts}
        wanted = [t if t.level else t._replace(level=level.get(t.id, "critical")) for t, _ in triggers_of(kind, path).values()]
        if wanted and not next(iter(triggers_of(kind, path).values()))[0].level:
            self.assertEqual(len({a["level"] for a in alerts}), 1)      # one level: the last trigger of an episode is the shown one
            wanted = [t._replace(level=alerts[0]["level"]) for t in wanted]
        found = standing_rows(alerts, RULE[kind])
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(set(found), episodes(wanted, quiet_of(RULE[kind])))
        return alerts

    def both(self, kind):
        path = events_of(kind)
        rows, _ = self.eval_agrees(kind, path)
        self.standing_agree(kind, path, "in-order")
        other = shuffled(path)
        self.assertEqual(self.eval_rows(kind, other), rows)
        self.standing_agree(kind, other, "shuffled")
        self.assertEqual(self.standing(self.path("in-order")), self.standing(self.path("shuffled")))


def named(kind):
    def test(self):
        self.both(kind)
    test.__doc__ = "%s: %s by eval and by standing alerts, in file order and shuffled" % (kind, RULE[kind])
    return test


for kind in EVENTS:
    setattr(Truth, "test_" + kind, needs_shared("bench")(named(kind)))


@needs_shared("bench")
class Unknown(Case):
    minutes = 3

    def test_lifecycle_unknown(self):
        "a passage without district is unknown exactly where a district's warrant, and no other, is on"
        path = events_of("lifecycle")
        rows = {r["trigger"]["id"]: r for r in self.dideban("eval", "rules/fugitive-at-gate.lua", "--events", path, "--json").rows}
        everywhere = self.path("anywhere.ndjson")
        # Told to the truth tool as if every warrant were nationwide, it names the passages that some warrant is on for.
        with open(path, encoding="utf8") as source, open(everywhere, "w", encoding="utf8") as f:
            for text in source:
                f.write(text.replace('"scope":"district"', '"scope":"nationwide"'))
        some = {r[0] for r in truth_of("gate_truth", everywhere)}
        hit = {r[0] for r in truth("gate_truth", path)}
        place = {}
        with open(path, encoding="utf8") as f:
            for text in f:
                e = json.loads(text)
                if e["type"] == "gate.passed":
                    place[e["id"]] = e["data"]
        wanted = {eid for eid in some - hit if "district" not in place[eid]}
        self.assertGreater(len(wanted), 0)
        self.assertEqual({eid for eid, r in rows.items() if r["level"] == "unknown" and "id" in place[eid]["person"]}, wanted)


def truth_of(tool, path):
    """As truth(), of a file that is not kept."""
    with open(path, "rb") as source:
        out = subprocess.run([sys.executable, shared("tools", tool + ".py")], stdin=source, stdout=subprocess.PIPE, check=True).stdout
    return [row.split("\t") for row in out.decode().splitlines()]


if __name__ == "__main__":
    unittest.main()
