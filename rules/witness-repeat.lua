-- One lay witness in many cases within a short time: a professional witness, or a guard who sees much.
return {
  api = 1, id = "witness-repeat", version = "1.0.0", kind = "notice",
  owner = "analysis-unit", audience = { "judge" },
  legal_basis = "to be filled by the owner", review_by = "2036-03-20",
  tags = { "witness" },

  doc = {
    what = "One lay witness testifies in many distinct cases within a short time.",
    misses = { "testimony never entered", "one person under two identifiers" },
    false_positives = { "neighbours in one land dispute split into many files", "guards who see routine incidents" },
    runbook = { "open the listed cases", "ask who called the witness", "answer useful / not useful / wrong person" },
  },

  params = {
    span     = { type = "duration", unit = "day",  default = 365, min = 30, max = 1095, doc = "look-back" },
    at_least = { type = "integer",  unit = "case", default = 4,   min = 2,  max = 50,   doc = "first notice" },
    high_at  = { type = "integer",  unit = "case", default = 8,   min = 3,  max = 99,   doc = "strong notice" },
  },
  check = function(p) return p.high_at > p.at_least, "high_at must be above at_least" end,

  on = { "testimony.given" }, subject = "witness",
  need = { "case_id" }, want = { "capacity", "court_id" },
  features = {
    cases = { op = "distinct", of = "case_id", on = { "testimony.given" }, role = "witness",
              where = { capacity = { "lay", "informant" } }, within = "span", evidence = 20 },
  },

  evaluate = function(e, f, p)
    local capacity = e.capacity
    if capacity == nil then return "capacity_unknown" end
    if capacity ~= "lay" and capacity ~= "informant" then return "official" end
    local n = f.cases.n                   -- this testimony included
    if n >= p.high_at  then return "many",    { n = n } end
    if n >= p.at_least then return "several", { n = n } end
    return "few"
  end,

  outcomes = {
    many    = { alert = "warning", fa = "شاهد در {n} پروندهٔ جداگانه در {span} گذشته شهادت داده است.",
                                   en = "This witness testified in {n} separate cases in the last {span}." },
    several = { alert = "info",    fa = "شاهد در {n} پرونده در {span} گذشته شهادت داده است.",
                                   en = "This witness testified in {n} cases in the last {span}." },
    few = { clear = true }, official = { clear = true },
    capacity_unknown = { unknown = true, fa = "سمت شاهد ثبت نشده است", en = "capacity of the witness is missing" },
  },

  -- Each case has its own judge: none is muted by another's card.
  alerting = { episode = { "subject", "case_id" }, episode_once = true,
               quiet = "30d", again_if = "rises", expires = "90d",
               deliver = { judge = "case_id" }, contest = true },

  tests = {
    { name = "the fourth distinct case gives one notice, on that case",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 10, case_id = "C2" }, { day = 20, case_id = "C3" }, { day = 30, case_id = "C4" } },
      expect = { { day = 30, outcome = "several", values = { n = 4 }, evidence = { "C1", "C2", "C3", "C4" },
                   en = "This witness testified in 4 cases in the last 365 days.",
                   fa = "شاهد در ۴ پرونده در ۳۶۵ روز گذشته شهادت داده است." } },
      outcomes = { "few", "few", "few", "several" } },
    { name = "three cases are no notice",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 1, case_id = "C2" }, { day = 2, case_id = "C3" } },
      expect = {}, outcomes = { "few", "few", "few" } },
    { name = "many testimonies in one case are one case",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 1 }, { day = 2 }, { day = 3 }, { day = 4, case_id = "C2" } },
      expect = {} },
    { name = "the eighth case is a warning; each case keeps its own card",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 1, case_id = "C2" }, { day = 2, case_id = "C3" }, { day = 3, case_id = "C4" },
                { day = 4, case_id = "C5" }, { day = 5, case_id = "C6" }, { day = 6, case_id = "C7" }, { day = 7, case_id = "C8" },
                { day = 7, case_id = "C8", subject = "s2" } },
      expect = { { day = 3, outcome = "several", values = { n = 4 }, level = "info" }, { day = 4, outcome = "several", values = { n = 5 } },
                 { day = 5, outcome = "several", values = { n = 6 } }, { day = 6, outcome = "several", values = { n = 7 } },
                 { day = 7, outcome = "many", values = { n = 8 }, level = "warning", subject = "s1",
                   evidence = { "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8" },
                   en = "This witness testified in 8 separate cases in the last 365 days.",
                   fa = "شاهد در ۸ پروندهٔ جداگانه در ۳۶۵ روز گذشته شهادت داده است." } } },
    { name = "a testimony exactly 365 days old still counts",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 100, case_id = "C2" }, { day = 200, case_id = "C3" }, { day = 365, case_id = "C4" } },
      expect = { { day = 365, outcome = "several", values = { n = 4 } } } },
    { name = "an older testimony leaves the window",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 100, case_id = "C2" }, { day = 200, case_id = "C3" },
                { day = 365, at = "00:00:01", case_id = "C4" } },
      expect = {} },
    { name = "another witness's cases are not counted",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 1, case_id = "C2" }, { day = 2, case_id = "C3" }, { day = 3, case_id = "C4", subject = "s2" } },
      expect = {} },
    { name = "the notice is about the witness who reached it",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 1, case_id = "C2" }, { day = 2, case_id = "C3" }, { day = 3, case_id = "C4" },
                { day = 4, case_id = "C4", subject = "s2" } },
      expect = { { day = 3, outcome = "several", subject = "s1", opening = "e004" } } },
    { name = "informants count like lay witnesses",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "informant" }, { day = 1, case_id = "C2" }, { day = 2, case_id = "C3", capacity = "lay" },
                { day = 3, case_id = "C4", capacity = "informant" } },
      expect = { { day = 3, outcome = "several", values = { n = 4 } } } },
    { name = "experts and officials neither count nor trigger",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "expert" }, { day = 1, case_id = "C2", capacity = "official" }, { day = 2, case_id = "C3", capacity = "lay" },
                { day = 3, case_id = "C4" }, { day = 4, case_id = "C5" }, { day = 5, case_id = "C6", capacity = "expert" } },
      expect = {}, outcomes = { "official", "official", "few", "few", "few", "official" } },
    { name = "without a capacity nobody knows, and it does not count",
      given = { { "testimony.given", day = 0, case_id = "C1" }, { day = 1, case_id = "C2", capacity = "lay" }, { day = 2, case_id = "C3" }, { day = 3, case_id = "C4" },
                { "testimony.given", day = 4, case_id = "C5" } },
      expect = {}, outcomes = { "capacity_unknown", "few", "few", "few", "capacity_unknown" } },
    { name = "a late testimony is put in its place",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 10, case_id = "C2" }, { day = 30, case_id = "C3" }, { day = 20, case_id = "C4" } },
      expect = { { day = 30, outcome = "several", trigger = "e003", values = { n = 4 }, evidence = { "e001", "e002", "e003", "e004" } } } },
    { name = "a retracted testimony withdraws the notice",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 10, case_id = "C2" }, { day = 20, case_id = "C3" }, { day = 30, case_id = "C4" },
                { retract = "e002", day = 40 } },
      expect = {}, outcomes = { "few", "few", "few" } },
    { name = "more testimonies in the same case are the same card",
      given = { { "testimony.given", day = 0, case_id = "C1", capacity = "lay" }, { day = 1, case_id = "C2" }, { day = 2, case_id = "C3" }, { day = 3, case_id = "C4" }, { day = 200 } },
      expect = { { day = 200, outcome = "several", opening = "e004", trigger = "e005", values = { n = 4 } } } },
  },
}
