-- A person with an active warrant passes a gate. A lead to check, never an order.
return {
  api = 1, id = "fugitive-at-gate", version = "1.0.0", kind = "lead",
  owner = "enforcement-unit", audience = { "gate", "police" },
  legal_basis = "to be filled by the owner", review_by = "2036-03-20",
  tags = { "warrant", "gate" },

  doc = {
    what = "A person whose warrant is active at that moment and in scope there passes a gate.",
    misses = {
      "a passage without an identifier: it stands on nobody's timeline, so it triggers nothing",
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
    local district = e.district
    local hits, n, bytes = {}, 0, 0
    local contested, undecided = false, false
    for _, w in ipairs(f.warrants.items) do
      if w.scope == "nationwide" or (district ~= nil and w.district == district) then
        n = n + 1
        contested = contested or w.contested
        bytes = bytes + #w.warrant_id + 1
        if bytes <= 1000 then hits[#hits + 1] = w.warrant_id end   -- n counts them all
      elseif district == nil then
        undecided = true                  -- of one district, and nobody knows which the gate is in
      end
    end
    if contested then return "contested" end
    if n > 0 then return "wanted", { n = n, warrants = table.concat(hits, ",") } end
    if undecided then return "district_unknown" end
    return "clear"
  end,

  outcomes = {
    wanted = { alert = "critical",
      fa = "هویت را احراز و حکم را تأیید کنید: {n} حکم جلب فعال ({warrants}) به نام این شخص ثبت است.",
      en = "Verify identity, confirm the warrant: {n} active on this person ({warrants})." },
    contested = { unknown = true, fa = "دربارهٔ حکم دو خبر ناسازگار رسیده است؛ از میز فرماندهی بپرسید",
      en = "two contradicting records of the warrant; ask the command desk" },
    district_unknown = { unknown = true, fa = "حوزهٔ درگاه ثبت نشده و حکم فقط در یک حوزه معتبر است",
      en = "the gate's district is missing and the warrant holds in one district only" },
    clear = { clear = true },
  },

  alerting = { episode = { "subject", "site" }, quiet = "15m", again_if = "rises", expires = "1d",
               deliver = { gate = "site", police = "site" }, contest = true },
  confirm = { by = "warrant.court_id", within = "10m", on_silence = "withdraw" },
}
