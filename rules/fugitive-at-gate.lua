-- A person with an active warrant passes a gate. A lead to check, never an order.
return {
  api = 1, id = "fugitive-at-gate", version = "1.0.0", kind = "lead",
  owner = "enforcement-unit", audience = { "gate", "police" },
  legal_basis = "to be filled by the owner", review_by = "2036-03-20",
  tags = { "warrant", "gate" },

  doc = {
    what = "A person whose warrant is active at that moment and in scope there passes a gate.",
    misses = {
      "a passage without an identifier: it is unknown whose it is, so it is counted as unknown and leads to nobody",
      "a person who passes under somebody else's identifier",
    },
    false_positives = {
      "somebody who carries the wanted person's card, or whose number was mistyped into theirs",
      "a person who comes to answer the very summons",
      "a warrant that was lifted but whose end is not entered yet",
    },
    runbook = { "verify identity by document and photo", "confirm the warrant with the issuing court", "answer confirmed / not confirmed" },
  },

  on = { "gate.passed" }, subject = "person",
  need = { "site" }, want = { "district" },
  features = {
    warrants = { op = "active", role = "person", key = "warrant_id",
                 opens = { "warrant.issued" }, reopens = { "warrant.resumed" },
                 closes = { "warrant.ended", "warrant.suspended" },
                 from = "valid_from", til = "valid_until", evidence = 20 },
  },

  evaluate = function(e, f, p)
    if f.warrants.n == 0 then return "clear" end
    local district = e.district
    local hits, n, bytes = {}, 0, 0
    local contested, undecided = false, false
    for _, w in ipairs(f.warrants.items) do
      if w.scope == "nationwide" or (district ~= nil and w.district == district) then
        n = n + 1
        contested = contested or w.contested
        bytes = bytes + #w.warrant_id + 1
        if bytes <= 1000 then hits[#hits + 1] = w.warrant_id end   -- n counts them all
      elseif district == nil or w.district == nil then
        undecided = true                  -- of one district, and nobody knows which, or which the gate is in
      end
    end
    if contested then return "contested" end
    if n > 0 then return "wanted", { n = n, warrants = table.concat(hits, ",") } end
    if undecided then return "district_unknown" end
    return "clear"
  end,

  outcomes = {
    wanted = { alert = "critical",
      fa = "هویت را احراز و حکم را تأیید کنید: {n} حکم فعال ({warrants}) به نام این شخص ثبت است.",
      en = "Verify identity, confirm the warrant: {n} active on this person ({warrants})." },
    contested = { unknown = true, fa = "دربارهٔ حکم دو خبر ناسازگار رسیده است؛ از میز فرماندهی بپرسید",
      en = "two contradicting records of the warrant; ask the command desk" },
    district_unknown = { unknown = true, fa = "حوزهٔ درگاه یا حکم ثبت نشده و حکم فقط در یک حوزه معتبر است",
      en = "the gate's district or the warrant's is missing, and the warrant holds in one district only" },
    clear = { clear = true },
  },

  alerting = { episode = { "subject", "site" }, quiet = "15m", again_if = "rises", expires = "1d",
               deliver = { gate = "site", police = "site" }, contest = true },
  confirm = { by = "warrant.court_id", within = "10m", on_silence = "withdraw" },

  tests = {
    { name = "a nationwide warrant makes a lead anywhere",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "gate.passed", day = 1, at = "08:00", site = "A", district = "d1" } },
      expect = { { day = 1, at = "08:00", outcome = "wanted", level = "critical", values = { n = 1, warrants = "w1" }, evidence = { "w1" },
                   en = "Verify identity, confirm the warrant: 1 active on this person (w1).",
                   fa = "هویت را احراز و حکم را تأیید کنید: ۱ حکم فعال (w1) به نام این شخص ثبت است." } } },
    { name = "the start of validity is in it, the end is not",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 10, valid_until = 20 },
                { "gate.passed", day = 9, at = "23:59:59", site = "A" }, { day = 10 }, { day = 19, at = "23:59:59" }, { day = 20 } },
      expect = { { day = 10, outcome = "wanted" }, { day = 19, at = "23:59:59", outcome = "wanted" } },
      outcomes = { "clear", "wanted", "wanted", "clear" } },
    { name = "suspended, resumed and ended warrants",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.suspended", day = 2, warrant_id = "w1" }, { "warrant.resumed", day = 4, warrant_id = "w1" }, { "warrant.ended", day = 6, warrant_id = "w1" },
                { "gate.passed", day = 1, site = "A" }, { day = 3 }, { day = 5 }, { day = 7 } },
      expect = { { day = 1, outcome = "wanted" }, { day = 5, outcome = "wanted" } },
      outcomes = { "wanted", "clear", "wanted", "clear" } },
    { name = "a warrant that was resumed but never issued is none",
      given = { { "warrant.resumed", day = 0, warrant_id = "w1" }, { "gate.passed", day = 1, site = "A" } },
      expect = {}, outcomes = { "clear" } },
    { name = "issued anew after its end, with the new validity",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 5 }, { "warrant.ended", day = 4, warrant_id = "w1" },
                { "warrant.issued", day = 10, warrant_id = "w1", scope = "nationwide", valid_from = 10, valid_until = 30 },
                { "gate.passed", day = 9, site = "A" }, { day = 20 }, { day = 31 } },
      expect = { { day = 20, outcome = "wanted" } }, outcomes = { "clear", "wanted", "clear" } },
    { name = "at one moment the order of source and id decides",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.suspended", day = 1, id = "k2", warrant_id = "w1" }, { "gate.passed", day = 1, id = "k1", site = "A" }, { day = 1, id = "k3" } },
      expect = { { outcome = "wanted", trigger = "k1" } }, outcomes = { "wanted", "clear" } },
    { name = "an end that arrives late withdraws the lead",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 5, site = "A" },
                { "warrant.ended", day = 4, warrant_id = "w1", reason = "withdrawn" } },
      expect = {}, outcomes = { "clear" } },
    { name = "a suspension that arrives late withdraws the lead",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 5, site = "A" },
                { "warrant.suspended", day = 4, warrant_id = "w1" } },
      expect = {}, outcomes = { "clear" } },
    { name = "a warrant of one district holds there and nowhere else",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "district", district = "d1", valid_from = 0, valid_until = 90 },
                { "gate.passed", day = 1, site = "A", district = "d1" }, { day = 2, site = "B", district = "d2" } },
      expect = { { day = 1, outcome = "wanted", values = { n = 1, warrants = "w1" } } }, outcomes = { "wanted", "clear" } },
    { name = "without the gate's district a warrant of one district decides nothing",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "district", district = "d1", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 1, site = "A" } },
      expect = {}, outcomes = { "district_unknown" } },
    { name = "a warrant of one district that does not say which decides nothing at a gate of any district",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "district", valid_from = 0, valid_until = 90 },
                { "gate.passed", day = 1, site = "A", district = "d1" } },
      expect = {}, outcomes = { "district_unknown" } },
    { name = "without the gate's district a nationwide warrant is a lead all the same",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "district", district = "d1", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = "w2", scope = "nationwide", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 1, site = "A" } },
      expect = { { day = 1, outcome = "wanted", values = { n = 1, warrants = "w2" } } } },
    { name = "several warrants are listed in order, those in scope alone",
      given = { { "warrant.issued", day = 0, warrant_id = "w3", scope = "district", district = "d1", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = "w2", scope = "district", district = "d2", valid_from = 0, valid_until = 90 },
                { "gate.passed", day = 1, site = "A", district = "d1" } },
      expect = { { day = 1, outcome = "wanted", values = { n = 2, warrants = "w1,w3" },
                   en = "Verify identity, confirm the warrant: 2 active on this person (w1,w3)." } } },
    { name = "somebody else's warrant is nobody's lead",
      given = { { "warrant.issued", day = 0, subject = "s2", warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 1, site = "A" } },
      expect = {}, outcomes = { "clear" } },
    { name = "of two who pass, the wanted one is the lead",
      given = { { "warrant.issued", day = 0, subject = "s2", warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 1, site = "A" },
                { day = 1, at = "00:01", subject = "s2" } },
      expect = { { day = 1, at = "00:01", outcome = "wanted", subject = "s2" } }, outcomes = { "clear", "wanted" } },
    { name = "two contradicting records of a warrant make it unknown",
      given = { { "warrant.issued", day = 0, id = "k", warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 }, { day = 0, id = "k", valid_until = 80 },
                { "gate.passed", day = 1, site = "A" } },
      expect = {}, outcomes = { "contested" } },
    { name = "one contradicted warrant among others makes it unknown",
      given = { { "warrant.issued", day = 0, id = "k", warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 }, { day = 0, id = "k", valid_until = 80 },
                { "warrant.issued", day = 0, warrant_id = "w2", scope = "nationwide", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 1, site = "A" } },
      expect = {}, outcomes = { "contested" } },
    { name = "neither the warrant's district nor the gate's is known: that is no match",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "district", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 1, site = "A" } },
      expect = {}, outcomes = { "district_unknown" } },
    { name = "warrants are listed up to 1,000 bytes, and all are counted",
      given = { { "warrant.issued", day = 0, warrant_id = string.rep("a", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = string.rep("b", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = string.rep("c", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = string.rep("d", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = string.rep("e", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = string.rep("f", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = string.rep("g", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = string.rep("h", 124), scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "warrant.issued", day = 0, warrant_id = "i", scope = "nationwide", valid_from = 0, valid_until = 90 }, { "gate.passed", day = 1, site = "A" } },
      expect = { { day = 1, outcome = "wanted", values = { n = 9, warrants = string.rep("a", 124) .. "," .. string.rep("b", 124) .. "," .. string.rep("c", 124) .. ","
                   .. string.rep("d", 124) .. "," .. string.rep("e", 124) .. "," .. string.rep("f", 124) .. "," .. string.rep("g", 124) .. "," .. string.rep("h", 124) } } } },
    { name = "passages of one person at one site within 15 minutes are one lead",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "gate.passed", day = 1, at = "08:00", site = "A" }, { at = "08:15" }, { at = "08:30:01" }, { at = "08:05", site = "B" } },
      expect = { { day = 1, at = "08:15", outcome = "wanted", opening = "e002" }, { day = 1, at = "08:30:01", outcome = "wanted", opening = "e004" },
                 { day = 1, at = "08:05", outcome = "wanted", opening = "e005" } } },
    { name = "a retracted passage withdraws the lead; a retracted warrant too",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 5 }, { "gate.passed", day = 1, site = "A" },
                { "warrant.issued", day = 10, warrant_id = "w2", scope = "nationwide", valid_from = 10, valid_until = 20 }, { "gate.passed", day = 11, site = "A" },
                { retract = "e002" }, { retract = "e003" } },
      expect = {}, outcomes = { "clear" } },
    { name = "a passage without an identifier is unknown, never a lead",
      given = { { "warrant.issued", day = 0, warrant_id = "w1", scope = "nationwide", valid_from = 0, valid_until = 90 },
                { "gate.passed", day = 1, site = "A", person = { given_name = "محمد", family_name = "محمدی" } } },
      expect = {}, outcomes = { "unknown" } },
  },
}
