"""The shipped rules, and the author's loop: check finds every mistake in one pass, test runs the tests inside a file."""
import os, shutil, unittest

from lib import *


class Shipped(Case):
    def test_check(self):
        "the shipped contracts and rules pass their check"
        self.dideban("check", "rules")

    def test_test(self):
        "the tests inside the shipped rules pass, each also shuffled, with duplicates and in batches"
        done = self.dideban("test", "rules")
        self.assertIn("witness-repeat", done.out)


    @not_reduced
    def test_mutate(self):
        "each small change to a shipped rule is noticed by one of its tests"
        rows = self.dideban("test", "--mutate", "--json", "rules").rows
        changes = [r for r in rows if "noticed" in r]
        self.assertEqual([r for r in changes if not r["noticed"]], [])
        self.assertEqual({r["rule"] for r in changes}, {"witness-repeat", "fugitive-at-gate", "expert-over-referral"})
        for rule, was, by in (("witness-repeat", ">=", ">"), ("witness-repeat", "and", "or"), ("witness-repeat", "4", "5"), ("expert-over-referral", "3", "2"),
                              ("fugitive-at-gate", "district ~= nil", "true"), ("witness-repeat", 'capacity = { "lay", "informant" }', "")):
            self.assertTrue(any((r["rule"], r["was"], r["is"]) == (rule, was, by) and r["by"] for r in changes), (rule, was, by))


class Author(Case):
    def setUp(self):
        super().setUp()
        with open(os.path.join(ROOT, "rules", "witness-repeat.lua"), encoding="utf8") as f:
            self.text = f.read()

    def changed(self, *pairs):
        text = self.text
        for old, new in pairs:
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        return self.write("witness-repeat.lua", text)

    def test_shown_values(self):
        "a sentence's placeholder that the return of its outcome does not hand over, though another does"
        for old, new in (('return "several", { n = n }', 'return "several", { m = n }'), ('return "several", { n = n }', 'return "several"'),
                         ('return "several", { n = n }', 'return "several", { m = { n = n } }')):
            path = self.changed((old, new))
            done = self.dideban("check", path, status=1)
            self.assertRegex(done.out + done.err, r'witness-repeat.lua:%d:\d+: error: the sentences of "several" show \{n\}, which is not returned here' % self.line_of(path, new))
        self.dideban("check", self.changed(('return "several", { n = n }', 'local v = { n = n } return "several", v')))

    def test_no_tests(self):
        "a rule without tests is a warning"
        with open(os.path.join(ROOT, "rules", "witness-repeat.lua"), encoding="utf8") as f:
            text = f.read()
        for tests in ("", "tests = {},"):
            path = self.write("none/witness-repeat.lua", text[:text.index("  tests = {")] + tests + "\n}\n")
            done = self.dideban("check", "--rules", os.path.join(ROOT, "rules"), path)
            self.assertIn("warning: no tests", done.out + done.err)
            done = self.dideban("test", "--rules", os.path.join(ROOT, "rules"), path)
            self.assertIn("no tests: nothing was tried", done.err)
            self.assertNotIn("passed", done.out)

    @not_reduced
    def test_mutate_unnoticed(self):
        "a change that no test notices is shown with its place, exit 1; a line marked as the same either way is passed over; a failing test comes first"
        path = self.changed(('if n >= p.at_least then return "several", { n = n } end', 'if n > p.at_least - 1 then return "several", { n = n } end'),
                            ("p.high_at  then", "p.high_at  and n > 0 then"))
        done = self.dideban("test", "--mutate", path, status=1)
        line = self.line_of(path, "and n > 0")
        self.assertRegex(done.out, r"UNNOTICED .*witness-repeat\.lua:%d:\d+: n > 0 changed to true: no test fails" % line)
        self.assertRegex(done.out, r"UNNOTICED .*:%d:\d+: > changed to >=" % line)
        self.assertRegex(done.out, r"witness-repeat: \d+ of \d+ small changes are noticed by a test")
        path = self.changed(("p.high_at  then return", "p.high_at  and n > 0 then  -- mutate: same (there is always one)\n    return"))
        self.assertIn("passed over", self.dideban("test", "--mutate", path).out)
        path = self.changed(("if n >= p.at_least", "if n > p.at_least"))
        self.assertNotIn("small changes", self.dideban("test", "--mutate", path, status=1).out)

    def line_of(self, path, part):
        with open(path, encoding="utf8") as f:
            for number, row in enumerate(f, 1):
                if part in row:
                    return number

    def test_every_mistake_in_one_pass(self):
        "several mistakes in one file are all found, each with file:line:column, caret and suggestion"
        path = self.changed(("legal_basis", "legal_bases"), ('op = "distinct"', 'op = "distnct"'), ('of = "case_id"', 'of = "case_ids"'), ("episode_once", "episode_onse"))
        done = self.dideban("check", path, status=1)
        text = done.out + done.err
        for wrong, right in (("legal_bases", "legal_basis"), ("distnct", "distinct"), ("case_ids", "case_id"), ("episode_onse", "episode_once")):
            self.assertRegex(text, r"witness-repeat\.lua:%d:\d+: .*%s" % (self.line_of(path, wrong), wrong))
            self.assertIn(right, text)
        self.assertGreaterEqual(text.count("^"), 4)

    def test_behind_a_misspelt_op(self):
        "an op that is misspelt hides no other mistake of its feature, and makes up none"
        path = self.changed(('op = "distinct", of = "case_id"', 'op = "distnct", of = "case_id"'), ('within = "span"', 'within = "spam"'))
        done = self.dideban("check", "--rules", os.path.join(ROOT, "rules"), path, status=1)
        self.assertIn("did you mean distinct?", done.out + done.err)
        self.assertIn("did you mean span?", done.out + done.err)
        self.assertIn("2 mistakes", done.out + done.err)

    def test_behind_a_misspelt_type(self):
        "an event type that is misspelt hides no other mistake, and makes up none"
        path = self.changed(('on = { "testimony.given" }, subject = "witness"', 'on = { "testimony.givn" }, subject = "witness"'), ('need = { "case_id" }', 'need = { "case_idd" }'))
        done = self.dideban("check", "--rules", os.path.join(ROOT, "rules"), path, status=1)
        for said in ("did you mean testimony.given?", "did you mean case_id?"):
            self.assertIn(said, done.out + done.err)
        alone = self.changed(('on = { "testimony.given" }, subject = "witness"', 'on = { "testimony.givn" }, subject = "witness"'))
        done = self.dideban("check", "--rules", os.path.join(ROOT, "rules"), alone, status=1)
        self.assertIn("1 mistake", done.out + done.err)

    def test_syntax(self):
        "a syntax error is shown with its line"
        path = self.changed(("features = {", "features = {{"))
        done = self.dideban("check", path, status=1)
        self.assertRegex(done.out + done.err, r"witness-repeat\.lua:\d+")

    def test_syntax_alone(self):
        "behind a syntax error nothing is made up: mistakes before it and the error itself are all that is said"
        for pair, names in ((('subject = "witness",', 'subject = "witness"'), ["need"]), (('"high_at must be above at_least" end', '"x" en'), ["en"]),
                            (('tags = { "witness" },', 'tags = { witnes },\n  doc = = {},'), ["witnes", "="])):
            done = self.dideban("check", self.changed(pair), status=1)
            rows = re.findall(r"^\S*witness-repeat\.lua:\d+:\d+: error: (.*)$", done.out + done.err, re.M)
            self.assertEqual(len(rows), len(names), done)
            for row, name in zip(rows, names):
                self.assertIn(name, row)

    def test_contract(self):
        "a mistake in a contract is shown with its place"
        shutil.copytree(os.path.join(ROOT, "rules"), self.path("rules"))
        path = self.path("rules", "events", "testimony.given.json")
        with open(path, encoding="utf8") as f:
            text = f.read()
        with open(path, "w", encoding="utf8") as f:
            f.write(text.replace('"required"', '"requird"', 1))
        done = self.dideban("check", self.path("rules"), status=1)
        self.assertRegex(done.out + done.err, r"testimony\.given\.json:\d+:\d+: .*requird")

    def test_failing_test(self):
        "a rule that does not do what its tests say fails, by the test's name"
        done = self.dideban("test", self.changed(("n >= p.at_least", "n > p.at_least")), status=1)
        self.assertRegex(done.out + done.err, "(?i)fail")

    def test_bad_rule_refused(self):
        "run refuses a rule set with a mistake, and says which"
        shutil.copytree(os.path.join(ROOT, "rules"), self.path("rules"))
        shutil.copy(self.changed(("legal_basis", "legal_bases")), self.path("rules", "witness-repeat.lua"))
        done = self.dideban("run", "--rules", self.path("rules"), "--events", "-", status=None)
        self.assertIn(done.status, (1, 2))
        self.assertIn("legal_bases", done.err)

    def test_fourth_rule(self):
        "a fourth rule needs a Lua file and nothing else"
        shutil.copytree(os.path.join(ROOT, "rules"), self.path("rules"))
        text = self.text.replace("witness-repeat", "witness-often").replace("default = 4", "default = 3")
        cut = text.index("  tests = {")
        with open(self.path("rules", "witness-often.lua"), "w", encoding="utf8") as f:
            f.write(text[:cut] + "  tests = {},\n}\n")
        import made
        events = self.events("e.ndjson", made.four_cases())
        self.run_store(self.path("s"), "--rules", self.path("rules"), "--events", events)
        self.assertEqual(sorted((a["rule"], a["opening"]["id"]) for a in self.alerts(self.path("s"))), [("witness-often", "t2"), ("witness-often", "t3"), ("witness-repeat", "t3")])


if __name__ == "__main__":
    unittest.main()
