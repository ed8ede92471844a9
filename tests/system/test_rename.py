"""No special case in C: with every rule id, event type, field and role renamed the same events give the same triggers."""
import glob, json, os, re, unittest

from lib import *
from test_truth import RULE, events_of, triggers_of

# Words of the envelope and of rule files: a field that is named like one of them is renamed in contracts, events and where a rule reads it
# from an event (`e.NAME`, a string), not where it stands as a key of the rule file itself.
RULE_KEYS = set("""api id version kind owner audience legal_basis review_by tags doc what misses false_positives runbook params type unit default min max check on subject need want
    features op of role where within evidence by key opens reopens closes from til evaluate outcomes alert clear unknown fa en alerting episode episode_once quiet again_if
    expires deliver contest confirm on_silence tests name given expect outcome values day level items n value mine total groups share rank mean contested time source""".split())
LUA = re.compile(r"""(?P<comment>--\[\[.*?\]\]|--[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<word>[A-Za-z_]\w*)|(?P<other>.)""", re.S | re.X)


class Renaming:
    """Contracts and rules under other names, and events alike."""

    def __init__(self, rules):
        self.rules = {r: "zz-" + r[::-1] for r in rules}
        self.types, self.words, self.contracts = {}, {}, {}
        texts = {}
        for rule in rules:
            with open(os.path.join(ROOT, "rules", rule + ".lua"), encoding="utf8") as f:
                texts[rule] = f.read()
        every = {}
        for path in glob.glob(os.path.join(ROOT, "rules", "events", "*.json")):
            with open(path, encoding="utf8") as f:
                every[os.path.basename(path)[:-5]] = json.load(f)
        for kind, contract in every.items():
            if any('"%s"' % kind in t for t in texts.values()) or contract.get("x-effect"):
                self.types[kind] = "other.t" + kind[::-1].replace(".", "") + "z"
                self.contracts[kind] = contract
                self.collect(contract)
        self.texts = {r: self.lua(t) for r, t in texts.items()}

    def collect(self, node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "properties":
                    for name in value:
                        self.words.setdefault(name, "q" + name[::-1] + "_z")
                if key == "x-roles":
                    for name in value:
                        self.words.setdefault(name, "q" + name[::-1] + "_z")
                self.collect(value)
        elif isinstance(node, list):
            for value in node:
                self.collect(value)

    def path(self, text):
        return re.sub(r"[^.\[\]]+", lambda m: self.words.get(m.group(), m.group()), text)

    def schema(self, node, where=""):
        if isinstance(node, list):
            return [self.path(x) if where in ("required", "x-keep") and isinstance(x, str) else self.schema(x, where) for x in node]
        if not isinstance(node, dict):
            return node
        out = {}
        for key, value in node.items():
            if key == "$id":
                out[key] = self.types[value]
            elif key in ("properties", "x-roles"):
                out[key] = {self.words[name]: self.role(v) if key == "x-roles" else self.schema(v) for name, v in value.items()}
            elif key == "x-target":
                out[key] = {k: self.path(v) for k, v in value.items()}
            elif key in ("examples", "example"):
                continue
            else:
                out[key] = self.schema(value, key)
        return out

    def role(self, value):
        """The kind of subject stays, the path of its key follows its field."""
        return {k: v if k == "kind" else [self.path(p) for p in v] if isinstance(v, list) else self.path(v) for k, v in value.items()}

    def lua(self, text):
        out, before, last = [], "", ""
        for m in LUA.finditer(text):
            kind, value = m.lastgroup, m.group()
            if kind == "string":
                inner = value[1:-1]
                if inner in self.types:
                    value = '"%s"' % self.types[inner]
                elif inner in self.rules:
                    value = '"%s"' % self.rules[inner]
                elif inner in self.words and before not in ("op", "scope", "capacity"): # words of an enum that are fields elsewhere
                    value = '"%s"' % self.words[inner]
                elif re.fullmatch(r"[a-z_]+\.[a-z_]+", inner):
                    value = '"%s"' % self.path(inner)
            elif kind == "word" and value in self.words:
                # Read from an event or an item of `active`, or a key that only an event has.
                if (last == "." and before in ("e", "w", "warrant", "item", "it")) or value not in RULE_KEYS and last != ".":
                    value = self.words[value]
            if kind == "word":
                before = m.group()
            if not m.group().isspace():
                last = m.group()[-1]
            out.append(value)
        return "".join(out)

    def write(self, folder):
        os.makedirs(os.path.join(folder, "events"))
        for kind, contract in self.contracts.items():
            with open(os.path.join(folder, "events", self.types[kind] + ".json"), "w", encoding="utf8") as f:
                json.dump(self.schema(contract), f, ensure_ascii=False, indent=1)
        for rule, text in self.texts.items():
            with open(os.path.join(folder, self.rules[rule] + ".lua"), "w", encoding="utf8") as f:
                f.write(text)

    def convert(self, source, target):
        with open(source, encoding="utf8") as a, open(target, "w", encoding="utf8") as b:
            for text in a:
                e = json.loads(text)
                if e["type"] in self.types:
                    e["data"] = {self.words[k]: v for k, v in e["data"].items()}
                    e["type"] = self.types[e["type"]]
                    b.write(line(e))


@needs_shared("bench")
class Rename(Case):
    minutes = 8

    def test_renamed(self):
        "the three rules and their contracts under other names, on workloads converted alike: the same triggers"
        rules = sorted(set(RULE.values()))
        renaming = Renaming(rules)
        folder = self.path("rules")
        renaming.write(folder)
        left = []
        for path in glob.glob(folder + "/*.lua") + glob.glob(folder + "/events/*.json"):
            with open(path, encoding="utf8") as f:
                text = f.read()
            left += [(os.path.basename(path), w) for w in list(renaming.types) + rules if '"%s"' % w in text]
        self.assertEqual(left, [])
        self.dideban("check", folder)
        for kind in ("witness", "lifecycle", "register"):
            path, other = events_of(kind), self.path(kind + ".ndjson")
            renaming.convert(path, other)
            rule = renaming.rules[RULE[kind]]
            done = self.dideban("eval", os.path.join(folder, rule + ".lua"), "--rules", folder, "--events", other, "--json")
            wanted = triggers_of(kind, path)
            self.assertEqual({r["trigger"]["id"] for r in done.rows if r["level"] in LEVELS}, set(wanted), kind)
            self.run_store(self.path("a-" + kind), "--events", path)
            s = self.run_store(self.path("b-" + kind), "--events", other, "--rules", folder)
            self.assertEqual(s["quarantined"], 0)
            a = standing_rows(self.alerts(self.path("a-" + kind)), RULE[kind])
            b = standing_rows(self.alerts(self.path("b-" + kind)), rule)
            self.assertEqual(sorted(a), sorted(b))
            self.assertGreater(len(a), 0 if REDUCED else 10)


if __name__ == "__main__":
    unittest.main()
