--- body instructions
while true do end
--- body instructions
while not nil do local x = 1 end
--- body instructions
repeat until false
--- body instructions
repeat local done = false until done
--- body instructions
for i = 1, math.huge do end
--- body instructions
for i = 1, math.maxinteger do end
--- body instructions
for i = math.mininteger, math.maxinteger do end
--- body instructions
for i = math.maxinteger, math.mininteger, -1 do end
--- body instructions
for i = 1.0, 2.0, 1e-300 do end
--- body instructions
for i = 0.0, 1e308, 1e-9 do end
--- body error 'for' step is zero
for i = 1, 2, 0 do end
--- body error 'for' step is zero
for i = 1.0, 2.0, 0.0 do end
--- body instructions
::again:: goto again
--- body instructions
::a:: do goto b end ::b:: goto a
--- body memory
do ::top:: local x = {} == {} if not x then goto top end end
--- body instructions
for i = 1, 3 do ::inner:: goto inner end
--- body instructions
local function f() return f() end return f()
--- body instructions
local a, b
a = function() return b() end
b = function() return a() end
return a()
--- body instructions
local function f(...) return f(...) end return f(1, 2, 3)
--- body instructions
local t = { f = function(self) return self:f() end } return t:f()
--- body instructions
local function step(_, i) return i + 1 end for i in step, nil, 0 do end
--- body instructions
local function step() return true end for _ in step do end
--- body instructions
for _ in function() return 1 end do for _ in function() return 2 end do end end
--- body memory
while true do for _, x in ipairs({ 1 }) do if x == 2 then return "ok" end end if false then break end end
--- body instructions
while true do for i = 1, #f.w.items do local x = f.w.items[i] end end
--- body instructions
while true do local x = e.a end
--- body instructions
while true do local x = f.c.n end
--- body instructions
while true do local x = p.k end
--- body instructions
while true do local a, b, c = calendar.jalali(e.time) end
--- body instructions
while true do stats.binomial_tail(5000, 10000000, 2000) end
--- body instructions
while true do stats.binomial_tail(10000000, 10000000, 2) end
--- body instructions
while true do stats.binomial_tail(1, 10000000, math.maxinteger) end
--- body instructions
while true do math.exp(700.5) math.log(1e308) math.sqrt(2) end
--- body instructions
while true do math.fmod(1e308, 3e-308) end
--- body instructions
while true do select("#", 1, 2, 3) end
--- body instructions
while true do type(nil) tostring(1) tonumber("1") end
--- body instructions
while true do assert(true, "fine") end
--- body instructions
local n = 0 while n >= 0 do n = n + 1 end
--- body instructions
local n = 1 while n ~= 0 do n = n << 1 | 1 end
--- body instructions
local x = 0 / 0 while x ~= x do end
--- body instructions
local t = { 1 } while #t > 0 do t[2] = 1 t[2] = nil end
--- body instructions
local t = {} for i = 1, 5000 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end
--- body instructions
local t = {} while true do table.insert(t, 1) table.remove(t) end
--- body instructions
local function g() for i = 1, 10 do g() end end local function h() while true do end end h()
