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
}
