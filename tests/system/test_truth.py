"""The headline rules against truth tools written apart from the engine, trigger by trigger and alert by alert, in file order and shuffled."""
import json, unittest

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


def triggers_of(kind, path, **params):
    """id -> (Trigger, values) of each trigger that must alert; params: other values of the rule's parameters."""
    rule = RULE[kind]
    options = [x for name, value in params.items() for x in ("--" + name.replace("_", "-"), str(value))]
    rows = truth(TOOL[rule], path, *(["--triggers"] if rule == "witness-repeat" else []) + options)
    found = by_id(path, [r[0] for r in rows])
    out = {}
    for r in rows:
        e = found[r[0]]
        d = e["data"]
        if rule == "witness-repeat":
            n = int(r[2])
            subject, episode, level, values = "person/" + r[1], d["case_id"], "warning" if n >= 8 else "info", {"n": n}
        elif rule == "fugitive-at-gate":
            subject, episode, level, values = "person/" + r[1], d["site"], "critical", {"n": len(r[2].split(",")), "warrants": r[2]}
        else:
            subject, episode, level = "pool/%s:%s" % (d["province"], d["field"]), d["expert"]["id"], "warning"
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
        self.assertGreater(len(wanted), 2 if REDUCED else 20)
        self.assertEqual(set(wanted), set(alerts))
        for eid, (t, values) in wanted.items():
            r = alerts[eid]
            self.assertEqual((r["subject"], r["trigger"]["source"], moment(r["trigger"]["time"])), (t.subject, t.source, t.time))
            self.assertEqual({k: r["values"].get(k) for k in values}, values, r)
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
        wanted = [t for t, _ in triggers_of(kind, path).values()]
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
        if REDUCED and kind == "expert":
            self.skipTest("fewer events raise none; register decides the same rule")
        self.both(kind)
    test.__doc__ = "%s: %s by eval and by standing alerts, in file order and shuffled" % (kind, RULE[kind])
    return test


for kind in EVENTS:
    setattr(Truth, "test_" + kind, needs_shared("bench")(named(kind)))


def unknown_passages(path):
    """Passages that a district's warrant, and no other, is on for, without knowing their district."""
    some = {r[0] for r in truth("gate_truth", everywhere(path))}
    hit = {r[0] for r in truth("gate_truth", path)}
    return {eid for eid, e in by_id(path, some - hit).items() if "district" not in e["data"]}


def nameless_passages(path):
    """Passages by somebody without an identifier, but those that were retracted."""
    found, gone = set(), set()
    with open(path, encoding="utf8") as f:
        for e in map(json.loads, f):
            if e["type"] == "event.retracted":
                gone.add((e["data"]["source"], e["data"]["id"]))
            elif e["type"] == "gate.passed" and "id" not in e["data"]["person"]:
                found.add((e["source"], e["id"]))
    return {eid for _, eid in found - gone}


def everywhere(path):
    """The same events with every warrant nationwide: the truth tool then names the passages that any warrant is on for."""
    def make(f):
        with open(path, "rb") as source:
            for text in source:
                f.write(text.replace(b'"scope":"district"', b'"scope":"nationwide"'))
    return cached("everywhere-" + os.path.basename(path), make)


# What each headline rule asks for, one by one: rule text, what stands there once the condition is dropped, and the parameters under which it
# decides (three experts follow from a factor of three; ten referrals nearly follow from so small a chance).
CONDITIONS = {
    "witness": [
        ("the window", ', within = "span"', ""),
        ("distinct cases", 'op = "distinct", of = "case_id"', 'op = "count"'),
        ("whose testimony counts", 'where = { capacity = { "lay", "informant" } },', ""),
        ("whose testimony triggers", 'if capacity ~= "lay" and capacity ~= "informant" then return "official" end', ""),
        ("at least", "if n >= p.at_least then", "if true then"),
        ("the strong level", "if n >= p.high_at  then", "if false then"),
    ],
    "lifecycle": [
        ("the start of validity", 'from = "valid_from", ', ""),
        ("the end of validity", ', til = "valid_until"', ""),
        ("the end of a warrant", 'closes = { "warrant.ended", "warrant.suspended" }', 'closes = { "warrant.suspended" }'),
        ("suspension", 'closes = { "warrant.ended", "warrant.suspended" }', 'closes = { "warrant.ended" }'),
        ("resumption", 'reopens = { "warrant.resumed" },', ""),
        ("nationwide scope", 'w.scope == "nationwide" or ', ""),
        ("the same district", "(district ~= nil and w.district == district)", "true"),
        ("a known district", "elseif district == nil or w.district == nil then", "elseif false then"),
    ],
    "register": [
        ("the window", ', within = "span"', ""),
        ("each expert by itself", "f.referrals.mine, f.referrals.total", "f.referrals.total, f.referrals.total"),
        ("three experts", "if experts < 3 then", "if false then", {"factor": 1.2}),
        ("the pool's fewest", "total < p.min_total or ", ""),
        ("the expert's fewest", " or n < p.at_least", "", {"at_least": 40}),
        ("times an even share", "if n * experts < p.factor * total then", "if false then"),
        ("chance", "if stats.binomial_tail(n, total, experts) > p.tail then", "if false then"),
        ("experts without referrals", "math.max(f.referrals.groups, f.registered.n)", "f.referrals.groups"),
        ("experts without registration", "math.max(f.referrals.groups, f.registered.n)", "f.registered.n"),
        ("the end of registration", ', til = "valid_until"', ""),
        ("suspension", ', closes = { "expert.suspended" }', ""),
    ],
}


def outcomes(rows):
    """What the comparison with the truth looks at."""
    return {(r["trigger"]["id"], r["level"], json.dumps({k: v for k, v in r["values"].items() if k != "share"}, sort_keys=True)) for r in rows if r["level"] in LEVELS + ("unknown",)}


@not_reduced
class Conditions(Case):
    """Each condition of each rule decides outcomes in its workload: without it the comparison with the truth fails."""
    one_by_one = True
    minutes = 5

    def without_each(self, kind):
        path, rule = events_of(kind), RULE[kind]
        with open(os.path.join(ROOT, "rules", rule + ".lua"), encoding="utf8") as f:
            text = f.read()

        def found(rule_file, params):
            return outcomes(self.dideban("eval", rule_file, "--events", path, "--json", *[x for item in params.items() for x in ("--set", "%s=%s" % item)]).rows)
        wanted = {}
        for name, old, new, *params in CONDITIONS[kind]:
            params = params[0] if params else {}
            key = str(params)
            if key not in wanted:
                wanted[key] = {(eid, t.level, json.dumps(values, sort_keys=True)) for eid, (t, values) in triggers_of(kind, path, **params).items()}
                if kind == "lifecycle":
                    wanted[key] |= {(eid, "unknown", "{}") for eid in unknown_passages(path) | nameless_passages(path)}
                self.assertEqual(found("rules/%s.lua" % rule, params), wanted[key])
            with self.subTest(condition=name):
                self.assertEqual(text.count(old), 1, "the rule file has changed: %r" % old)
                copy = self.write("%s.lua" % rule, text.replace(old, new))
                self.assertGreater(len(found(copy, params) ^ wanted[key]), 10, "without this condition hardly anything changes")


def dropped(kind):
    def test(self):
        self.without_each(kind)
    test.__doc__ = "%s: %s without each of its conditions in turn differs from the truth" % (kind, RULE[kind])
    return test


for kind in CONDITIONS:
    setattr(Conditions, "test_" + kind, needs_shared("bench")(dropped(kind)))

if __name__ == "__main__":
    unittest.main()
