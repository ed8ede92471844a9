--- body memory
local t = {} while true do t[#t + 1] = 1 end
--- body memory
local t = {} while true do t = { t } end
--- body memory
local t = {} while true do t[{}] = true end
--- body memory
local t, i = {}, 0 while true do i = i + 1 t["key" .. i] = i end
--- body memory
local t, i = {}, 0.5 while true do i = i + 1 t[i] = i end
--- body memory
local t, i = {}, 1 while true do i = i * 3 t[i] = i end
--- body memory
local t = {} while true do t[#t + 1] = function() return t end end
--- body memory
local f0 = nil while true do local g = f0 f0 = function() return g end end
--- body memory
local keep = {} for i = 1, 1e9 do local x = i keep[i % 100 + 1] = function() x = x + 1 return x end end
--- body memory
while true do local t = {} end
--- body memory
while true do local t = { 1, 2, 3, 4, 5, 6, 7, 8 } end
--- body memory
while true do local t = { a = 1, b = 2 } end
--- body memory
local function pack(...) return { ... } end while true do pack(1, 2, 3, 4, 5, 6, 7, 8, 9) end
--- body memory
local t = {} for i = 1, 250 do t[i] = i end while true do local u = { table.unpack(t) } end
--- body memory
local t = {} for i = 1, 20000 do t[i] = i end return "ok"
--- body memory
local t = {} for i = 20000, 1, -1 do t[i] = i end return "ok"
--- body instructions
local t = {} for i = 1, 5000 do t[i] = i end while true do for k in pairs(t) do break end end
--- body instructions
local t = {} for i = 1, 3000 do t[i] = i end while true do table.sort(t, function(a, b) return a < b end) end
--- body instructions
while true do for k in pairs(string) do end end
--- body memory
while true do for k in pairs(p) do end end
--- body memory
local t = { {}, {} } while true do t[1], t[2] = { t[2] }, { t[1] } end
--- body memory
local t = {} for i = 1, 1000 do t[i] = {} for k = 1, 1000 do t[i][k] = {} end end return "ok"
--- body memory
local s = {} for i = 1, 1e6 do s[#s + 1] = tostring(i) .. "-" .. tostring(-i) end return "ok"
--- body memory
local function grow(n, ...) if n == 0 then return ... end return grow(n - 1, n, ...) end return grow(100000)
--- body memory
local t = {} for i = 1, 250 do t[i] = i end
local function more(...) return more(1, ...) end
return more(table.unpack(t))
--- body memory
return string.byte(("x"):rep(16000), 1, -1)
--- body memory
local t = {} for i = 0, 62 do t[1 << i] = {} end while true do t[#t] = { t } end
--- head memory
local big = {} for i = 1, 10000 do big[i] = i end
-- evaluate:
while true do for k in pairs(big) do break end end
