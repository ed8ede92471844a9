--- body ok
local t = {} for i = 1, 200 do t[i] = i end table.sort(t, function() return true end) return #t == 200 and "ok"
--- body ok
local t = {} for i = 1, 200 do t[i] = i end table.sort(t, function() return false end) return t[200] == 200 and "ok"
--- body ok
local t, n = {}, 0 for i = 1, 200 do t[i] = i end
table.sort(t, function() n = n + 1 return n % 2 == 0 end)
local sum = 0 for i = 1, 200 do sum = sum + t[i] end return sum == 20100 and "ok"
--- body ok
local t = {} for i = 1, 64 do t[i] = 0 / 0 end table.sort(t) return #t == 64 and "ok"
--- body error attempt to compare
table.sort({ {}, {} }, function(a, b) return a < b end) return "ok"
--- body error cannot compare a table with a table
table.sort({ {}, {} }) return "ok"
--- body error cannot compare
table.sort({ 1, "2", 3 }) return "ok"
--- body error cannot compare
table.sort({ true, false }) return "ok"
--- body error mine
table.sort({ 3, 2, 1 }, function() error("mine") end) return "ok"
--- body instructions
table.sort({ 3, 2, 1 }, function() while true do end end) return "ok"
--- body memory
table.sort({ 3, 2, 1 }, function() local s = "x" while true do s = s .. s end end) return "ok"
--- body error function expected
table.sort({ 3, 2, 1 }, {}) return "ok"
--- body error function expected
table.sort({ 3, 2, 1 }, "<") return "ok"
--- body error unknown name 'next'
table.sort({ 3, 2, 1 }, next) return "ok"
--- body error string expected
table.sort({ {}, {} }, ipairs) table.sort({ {}, {} }, table.concat) table.sort({ 1, 2 }, pairs) return "ok"
--- body error attempt to compare two table values
table.sort({ {}, {} }, math.max) return "ok"
--- body error attempt to compare two nil values
local t = { 5, 4, 3, 2, 1 }
table.sort(t, function(a, b) for i = #t, 1, -1 do t[i] = nil end return a < b end)
return "ok"
--- body error attempt to compare
local t = { 5, 4, 3, 2, 1 }
table.sort(t, function(a, b) t[1], t[2], t[3], t[4], t[5] = nil, nil, nil, nil, nil return a < b end)
return "ok"
--- body ok
local t = { 3, 2, 1 }
table.sort(t, function(a, b) t[#t + 1] = 9 return (a or 0) < (b or 0) end)
return "ok"
--- body instructions
local t = {} for i = 1, 3000 do t[i] = i * 7919 % 3000 end
local function less(a, b) return a < b end
while true do table.sort(t, less) table.sort(t, function(a, b) return b < a end) end
--- body error elements to sort
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 table.sort(t) return "ok"
--- body error unknown name 'coroutine'
table.sort({ 2, 1 }, function() coroutine.yield() end)
--- body ok
local inner = { 9, 8, 7 }
table.sort({ 3, 2, 1 }, function(a, b) table.sort(inner) return a < b end)
return inner[1] == 7 and "ok"
--- body ok
local t = { "b", "a", "\0", "", "ä", "\xff", "B" } table.sort(t)
return table.concat(t, ",") == ",\0,B,a,b,ä,\xff" and "ok"
