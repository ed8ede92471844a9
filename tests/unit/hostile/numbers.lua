--- body ok
return math.mininteger // -1 == math.mininteger and math.mininteger % -1 == 0 and -math.mininteger == math.mininteger and "ok"
--- body error divide by zero
return 1 // 0
--- body error attempt to perform 'n%
return 1 % 0
--- body error (zero)
return math.fmod(1, 0)
--- body ok
return math.fmod(math.mininteger, -1) == 0 and "ok"
--- body ok
return 1 / 0 == math.huge and -1 / 0 == -math.huge and 0 / 0 ~= 0 / 0 and 1 // 0.0 == math.huge and "ok"
--- body ok
return 1 << 64 == 0 and 1 << math.mininteger == 0 and 1 >> -63 == math.mininteger and ~0 >> 64 == 0 and "ok"
--- body ok
return math.maxinteger + 1 == math.mininteger and math.maxinteger * 2 == -2 and math.abs(math.mininteger) == math.mininteger and "ok"
--- body error no integer representation
return 1.5 | 0
--- body error no integer representation
return 2 ^ 2 ^ 10 | 0
--- body error no integer representation
return 1 << 1e300
--- body ok
local x = 1{400:0} return x == math.huge and "ok"
--- body ok
local x = {400:9}.{400:9} return x == math.huge and "ok"
--- body ok
local x = 1e{300:9} return x == math.huge and "ok"
--- body ok
local x = 0x{300:f} return x == -1 and "ok"
--- body ok
local x = 0x1p-{300:9} return x == 0 and "ok"
--- body ok
local x = 0.{300:0}1 return x >= 0 and "ok"
--- body ok
local x = 9223372036854775808 return x == 2 ^ 63 and math.type(x) == "float" and "ok"
--- body refused malformed number
local x = 1{100:e} return x
--- body refused malformed number
local x = 0x return x
--- body refused malformed number
local x = 3..2 return x
--- body ok
return tonumber("1e999") == math.huge and tonumber("0x") == nil and tonumber("1e") == nil and tonumber("nan") == nil and tonumber("inf") == nil and "ok"
--- body error base out of range
return tonumber("1", 1)
--- body error base out of range
return tonumber("1", math.maxinteger)
--- body ok
return tonumber("{200:9}", 10) ~= 1 and tonumber("z", 36) == 35 and tonumber("-ff", 16) == -255 and "ok"
--- body ok
return math.floor(1e308) == 1e308 and math.ceil(-1e308) == -1e308 and math.tointeger(2 ^ 63) == nil and "ok"
--- body error not a time between
return calendar.jalali(math.maxinteger)
--- body error not a time between
return calendar.weekday(math.mininteger)
--- body error not a time between
return calendar.clock(253402300800)
--- body ok
return calendar.weekday(-62167219200) >= 1 and calendar.weekday(253402300799) <= 7 and calendar.jalali(-62167219200) < 0 and "ok"
--- body error total must be between
return stats.binomial_tail(1, math.maxinteger, 2)
--- body error total must be between
return stats.binomial_tail(1, -1, 2)
--- body error groups must be at least 1
return stats.binomial_tail(1, 1, math.mininteger)
--- body error no integer representation
return stats.binomial_tail(0 / 0, 1, 1)
--- body ok
return stats.binomial_tail(math.mininteger, 0, 1) == 1 and stats.binomial_tail(math.maxinteger, 10, math.maxinteger) == 0 and "ok"
--- body ok
local x = math.exp(1e308) local y = math.log(-1) local z = math.log(0) return x == math.huge and y ~= y and z == -math.huge and "ok"
--- body ok
local x = math.exp(0 / 0) local y = math.sqrt(-1) return x ~= x and y ~= y and math.exp(-1e308) == 0 and "ok"
--- body error math.random does not exist for rules
return math.random(1)
--- body error math.randomseed does not exist for rules
math.randomseed(1)
--- body error math.log takes one argument
return math.log(8, 2)
--- body error value expected
return math.max()
--- body ok
return math.ult(-1, 1) == false and math.max(0 / 0, 1) ~= 2 and "ok"
--- body instructions
for i = 1, 3 do for k = math.maxinteger - 1, math.maxinteger do i = i + k end end while true do end
--- body ok
local n = 0 for i = math.maxinteger - 2, math.maxinteger do n = n + 1 end for i = 1, 0 / 0 do n = 99 end return n == 3 and "ok"
--- body ok
local n = 0 for i = math.mininteger, math.mininteger + 10, math.maxinteger do n = n + 1 end return n == 1 and "ok"
--- body ok
for i = "1", 2 do end return "ok"
--- body ok
for i = 1, "2" do end return "ok"
