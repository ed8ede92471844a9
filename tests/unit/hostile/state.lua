--- head ok
local n = 0
-- evaluate:
n = n + 1 return n == 1 and "ok"
--- head ok
local seen = "none"
-- evaluate:
local before = seen seen = e.a .. e.time return before == "none" and "ok"
--- head ok
local function counter() local n = 0 return function() n = n + 1 return n end end
local count = counter()
-- evaluate:
return count() == 1 and count() == 2 and "ok"
--- head ok
local a, b = 1, 2 local swap = function() a, b = b, a return a end
-- evaluate:
return swap() == 2 and a == 2 and b == 1 and "ok"
--- head ok
local o = { f = { g = { h = (function() local n = 0 return function() n = n + 1 return n end end)() } } }
-- evaluate:
return o.f.g.h() == 1 and "ok"
--- head ok
local hidden = (function() local n = 0 return { get = function() return n end, set = function(x) n = x end } end)()
-- evaluate:
if hidden.get() ~= 0 then return "odd" end hidden.set(5) return hidden.get() == 5 and "ok"
--- head error may not write here
local t = {}
-- evaluate:
t[1] = 1 return "ok"
--- head error may not write here
local t = { { { {} } } }
-- evaluate:
t[1][1][1].x = 1 return "ok"
--- head error table expected
local t = {}
-- evaluate:
table.insert(t, 1) return "ok"
--- head error table expected
local t = { 2, 1 }
-- evaluate:
table.sort(t) return "ok"
--- head refused an iterator of pairs
local it = pairs({ 1, 2, 3 })
-- evaluate:
return it() == 1 and "ok"
--- head refused an iterator of pairs
local t = { it = { pairs({ 1, 2, 3 }) } }
-- evaluate:
return t.it[1]() == 1 and "ok"
--- head refused nested more than 16 deep
local t = {} t.t = t
-- evaluate:
return t.t == nil and "odd" or "ok"
--- head refused nested more than
local function chain(n) local g = n > 0 and chain(n - 1) return function() return g end end local c = chain(40)
-- evaluate:
return c() and "ok"
--- head ok
local t = { a = 1 } local u = t
-- evaluate:
return t ~= u and t.a == u.a and "ok"
--- head ok
local f0 = function() return string end
-- evaluate:
return f0().upper("x") == "X" and "ok"
--- head ok
local keep = nil
-- evaluate:
if keep ~= nil then return "odd" end keep = f.w.items[1] return keep.key == "k0" and "ok"
--- head ok
local keep = nil
-- evaluate:
if keep ~= nil then return "odd" end keep = function() return e.a end return keep() == "A" and "ok"
--- head ok
local keep = nil
-- evaluate:
if keep ~= nil then return "odd" end keep = pairs({ 1, 2 }) keep() return "ok"
