-- One expert of a pool (province and field) gets far more referrals than an even draw would give.
return {
  api = 1, id = "expert-over-referral", version = "1.0.0", kind = "notice",
  owner = "analysis-unit", audience = { "supervisor" },
  legal_basis = "to be filled by the owner", review_by = "2036-03-20",
  tags = { "expert" },

  doc = {
    what = "One expert gets at least `factor` times an even share of a pool's referrals, and chance does not explain it.",
    misses = { "referrals never entered", "a ring of experts who share the surplus", "pools of one or two experts" },
    false_positives = {
      "the only expert of the pool with a rare sub-speciality",
      "colleagues on leave who are still registered",
      "one large case split into many files, all referred to the expert who knows it",
    },
    runbook = { "list the expert's referrals by referrer", "ask whether the draw was smart or manual", "answer useful / not useful" },
  },

  params = {
    span      = { type = "duration", unit = "day",      default = 180,  min = 30, max = 1095, doc = "look-back" },
    at_least  = { type = "integer",  unit = "referral", default = 10,   min = 3,  max = 1000, doc = "fewest referrals of the expert" },
    min_total = { type = "integer",  unit = "referral", default = 20,   min = 5,  max = 10000, doc = "fewest referrals of the pool" },
    factor    = { type = "number",   default = 3,    min = 1.1, max = 100, doc = "times an even share" },
    tail      = { type = "number",   default = 1e-6, min = 1e-30, max = 0.1, doc = "chance that an even draw gives as many or more" },
  },

  on = { "expert.referred" }, subject = "pool",
  need = { "expert" },
  features = {
    referrals  = { op = "count", on = { "expert.referred" }, role = "pool", by = "expert", within = "span", evidence = 20 },
    registered = { op = "active", role = "pool", key = "expert", opens = { "expert.registered" }, closes = { "expert.suspended" }, til = "valid_until" },
  },

  evaluate = function(e, f, p)
    local n, total = f.referrals.mine, f.referrals.total       -- this referral included
    local experts = math.max(f.referrals.groups, f.registered.n)
    if experts < 3 then return "few_experts" end
    if total < p.min_total or n < p.at_least then return "few_referrals" end
    if n * experts < p.factor * total then return "fair" end
    if stats.binomial_tail(n, total, experts) > p.tail then return "chance" end
    return "over", { n = n, total = total, experts = experts, share = n / total }
  end,

  outcomes = {
    over = { alert = "warning",
      fa = "از {total} ارجاع این حوزه در {span} گذشته {n} ارجاع به یک کارشناس رسیده است، در حالی که {experts} کارشناس در آن هستند.",
      en = "One expert got {n} of this pool's {total} referrals in the last {span}, with {experts} experts in it." },
    few_experts = { clear = true }, few_referrals = { clear = true }, fair = { clear = true }, chance = { clear = true },
  },

  alerting = { episode = { "subject", "expert" }, quiet = "30d", again_if = "rises", expires = "90d", contest = true },
}
