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
    if stats.binomial_tail(n, total, experts) > p.tail then return "chance" end   -- mutate: same (no tail is one of these numbers)
    return "over", { n = n, total = total, experts = experts, share = n / total }
  end,

  outcomes = {
    over = { alert = "warning",
      fa = "از {total} ارجاع این حوزه در {span} گذشته {n} ارجاع به یک کارشناس رسیده است، در حالی که {experts} کارشناس در آن هستند.",
      en = "One expert got {n} of this pool's {total} referrals in the last {span}, with {experts} experts in it." },
    few_experts = { clear = true }, few_referrals = { clear = true }, fair = { clear = true }, chance = { clear = true },
  },

  alerting = { episode = { "subject", "expert" }, quiet = "30d", again_if = "rises", expires = "90d", contest = true },

  tests = (function()
    local day = 0
    local list = {}

    local function start() day, list = 0, {} end
    -- n referrals to one expert of a pool, one a day.
    local function refer(who, n, pool)
      for i = 1, n do
        list[#list + 1] = { "expert.referred", day = day, id = string.format("r%03d", #list + 1), expert = who, case_id = who .. day, province = "23",
                            field = pool or "accounting" }
        day = day + 1
      end
    end
    local function register(who, til)
      list[#list + 1] = { "expert.registered", day = day, id = "g-" .. who, expert = who, province = "23", field = "accounting", valid_until = til }
    end
    local function add(event) list[#list + 1] = event end
    local tests = {}
    local function test(name, expect) tests[#tests + 1] = { name = name, given = list, expect = expect } end

    start() refer("b", 1) refer("c", 1) refer("d", 1) refer("a", 17)
    test("17 of 20 referrals to one of four experts is over",
      { { day = 19, outcome = "over", subject = "23:accounting", evidence = { "a" }, level = "warning", opening = "r020",
          values = { n = 17, total = 20, experts = 4, share = 0.85 },
          en = "One expert got 17 of this pool's 20 referrals in the last 180 days, with 4 experts in it.",
          fa = "از ۲۰ ارجاع این حوزه در ۱۸۰ روز گذشته ۱۷ ارجاع به یک کارشناس رسیده است، در حالی که ۴ کارشناس در آن هستند." } })

    start() refer("b", 1) refer("c", 1) refer("d", 1) refer("a", 16)
    test("19 referrals are too few to say", {})

    start() refer("b", 2) refer("c", 2) refer("d", 2) refer("a", 14)
    test("14 of 20 among four is below three even shares", {})

    start() refer("b", 2) refer("c", 2) refer("d", 1) refer("a", 15)
    test("15 of 20 among four is three even shares, but chance may do that", {})

    start() refer("b", 1) refer("a", 30)
    test("two experts are too few to compare", {})

    start() register("b", 400) register("c", 400) register("d", 400) refer("a", 20)
    test("registered experts who get nothing count as experts",
      { { day = 19, outcome = "over", values = { n = 20, total = 20, experts = 3, share = 1 } } })

    start() register("b", 400) register("c", 400) register("d", 19) refer("a", 20)
    test("a licence that has run out counts no longer: its end is not in it", {})

    start() register("b", 400) register("c", 400) register("d", 400) refer("a", 20)
    add { "expert.suspended", day = 18, id = "s", expert = "d", province = "23", field = "accounting" }
    test("a suspended expert counts no longer", {})

    start() refer("b", 1) refer("c", 1) refer("d", 1) refer("a", 17) refer("b", 1, "traffic") refer("c", 1, "traffic")
    test("another pool has its own count", { { day = 19, outcome = "over", subject = "23:accounting" } })

    start() refer("b", 1) refer("c", 1) refer("d", 1) refer("a", 8) refer("a", 9, "traffic")
    test("an expert's referrals in two pools are not added up", {})

    start() refer("b", 1) refer("c", 1) refer("d", 1) day = 183 refer("a", 20)
    test("older referrals leave the window, and their experts with them", {})

    start() refer("b", 1) refer("c", 1) refer("d", 1) refer("a", 17) add { retract = "r010", day = day }
    test("a retracted referral withdraws the notice", {})

    start() refer("b", 1) refer("c", 1) refer("d", 1) refer("a", 17) day = day + 29 refer("a", 1)
    test("referrals within 30 days are one notice, which shows the last",
      { { day = 49, outcome = "over", opening = "r020", values = { n = 18, total = 21, experts = 4, share = 18 / 21 } } })

    start() for i = 1, 40 do register("b" .. i, 400) end
    for i = 1, 11 do refer("b" .. i, 1) end
    refer("a", 10)
    test("nine referrals are too few, however many the others are; ten are not",
      { { day = 20, outcome = "over", opening = "r061", values = { n = 10, total = 21, experts = 40, share = 10 / 21 } } })

    start() for i = 1, 20 do refer("b" .. i, 1) end
    refer("a", 10)
    test("10 of 30 among 21 come by chance once in 1.3 million: over", { { day = 29, outcome = "over", values = { n = 10, total = 30, experts = 21, share = 1 / 3 } } })

    start() refer("b", 14) refer("c", 13) refer("d", 13) refer("a", 60)
    test("60 of 100 among four cannot be chance, but are no three even shares", {})
    return tests
  end)(),
}
