--- body memory
local s = "x" while true do s = s .. s end
--- body memory
local s = "x" while true do s = s .. "y" end
--- body memory
local s = "x" for i = 1, 40 do s = s .. s .. s end return "ok"
--- body memory
local s = ("x"):rep(16000) local t = s .. s .. s .. s .. s .. s .. s .. s .. s return "ok"
--- body error string.rep: over
return (("x"):rep(1000000000))
--- body error string.rep: over
return (("x"):rep(math.maxinteger))
--- body error string.rep: over
return ((""):rep(1000000000))
--- body error string.rep: over
return ((""):rep(1000000000, ""))
--- body error string.rep: over
return (("x"):rep(2, ("y"):rep(16384)))
--- body error string.rep: over
local s = ("x"):rep(200) return s:rep(200)
--- body error string.rep: over
return (("x"):rep(1e5))
--- body error no integer representation
return (("x"):rep(1e300))
--- body ok
return #("x"):rep(math.mininteger) == 0 and #("x"):rep(-1) == 0 and "ok"
--- body instructions
local t = {} for i = 1, 100 do t[i] = ("x"):rep(16000) end return table.concat(t)
--- body memory
local s, t = ("x"):rep(16000), {} for i = 1, 100 do t[i] = s end return table.concat(t)
--- body memory
local t = {} for i = 1, 1000 do t[i] = "" end return table.concat(t, ("x"):rep(16000))
--- body memory
local s = ("x"):rep(16000) while true do s:upper() end
--- body memory
local s = ("x"):rep(16000) while true do s:reverse() end
--- body memory
local s = ("ab"):rep(8000) while true do s:find("b" .. s) end
--- body instructions
local s, b = ("a"):rep(16000), ("a"):rep(8000) .. "b" while true do s:find(b) end
--- body instructions
local s = ("\0"):rep(16000) local t = s .. "x" while true do local x = s < t end
--- body instructions
local s = ("\0"):rep(16000) local a, b = s .. "x", s .. "x" while true do local x = a <= b end
--- body instructions
local s = ("x"):rep(16000) local a, b = s .. "1", s .. "2" while true do local x = a == b end
--- body instructions
local a, b = ("x"):rep(16000) .. "1", ("x"):rep(16000) .. "2" while a < b do end
--- body instructions
local s = ("\0"):rep(16000) local t = {} for i = 1, 2 do t[i] = s .. i end while t[1] < t[2] do end
--- body instructions
local s, t = ("\0"):rep(16000), {} for i = 1, 1000 do t[i] = s end table.sort(t) return "ok"
--- head instructions
local zero = "{15000:\0}" local one = "{15000:\0}1"
-- evaluate:
while true do local x = zero < one end
--- body instructions
local n = ("0"):rep(16000) while true do for i = 1, n do end end
--- body instructions
local n = ("1"):rep(16000) while true do tonumber(n) end
--- body instructions
local n = ("z"):rep(16000) while true do tonumber(n, 36) end
--- body instructions
local n = "0x" .. ("f"):rep(16000) .. "p-1" while true do tonumber(n) end
--- body instructions
local s = ("\u{7ff}"):rep(8000) while true do utf8.len(s) end
--- body instructions
local s = ("\u{7ff}"):rep(8000) while true do utf8.offset(s, -1) utf8.offset(s, 8000) end
--- body error out of bounds
return utf8.codepoint("abc", math.mininteger, math.maxinteger)
--- body error invalid UTF-8 code
return utf8.codepoint("\xff\xfe")
--- body memory
local s = ("a"):rep(10000) return utf8.codepoint(s, 1, -1)
--- body error value out of range
return utf8.char(math.maxinteger)
--- body error value out of range
return utf8.char(-1)
--- body error value out of range
return string.char(256)
--- body instructions
while true do utf8.char(0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff) end
--- body error string.format: bad item
return string.format("%999999999d", 1)
--- body error string.format: bad item
return string.format("%.999f", 1.5)
--- body error string.format: bad item
return string.format("%" .. ("0"):rep(1000) .. "d", 1)
--- body error string.format: bad item
return string.format("%1.2.3d", 1)
--- body error string.format: bad item
return string.format("%..1f", 1.5)
--- body error string.format: bad item
return string.format("%")
--- body error string.format: '%n' is not allowed
return string.format("%n", 1)
--- body error string.format: '%*' is not allowed
return string.format("%*d", 1, 1)
--- body error string.format: '%p' is not allowed
return string.format("%p", e)
--- body error string.format: '%q' is not allowed
return string.format("%q", 1 / 0)
--- body error string.format: '%a' is not allowed
return string.format("%a", 0.1)
--- body error string.format: '%l' is not allowed
return string.format("%ld", 1)
--- body error bad argument
return string.format("%d %d %d", 1)
--- body error over 400 bytes
return string.format("%5s", ("x"):rep(401))
--- body error not finite
return string.format("%f", 1 / 0)
--- body error no integer representation
return string.format("%d", 1.5)
--- body ok
return #string.format("%99.99f", 1e308) > 300 and #string.format("%-99d", math.mininteger) == 99 and "ok"
--- body instructions
local t = {} for i = 1, 200 do t[i] = ("x"):rep(16000) end
return string.format(("%s"):rep(200), table.unpack(t))
--- body memory
while true do string.format("%99d%99d%99d", 1, 2, 3) end
--- body ok
return string.find("abc", "c", math.mininteger) == 3 and string.find("abc", "c", math.maxinteger) == nil and "ok"
--- body ok
return ("abc"):sub(math.mininteger, math.maxinteger) == "abc" and ("abc"):sub(math.maxinteger) == "" and "ok"
--- body ok
return ("abc"):byte(math.mininteger) == nil and ("abc"):byte(math.maxinteger, math.maxinteger) == nil and "ok"
