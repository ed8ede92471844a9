--- body error string expected
error({})
--- body error string expected
error(nil)
--- body error string expected
error()
--- body error string expected
error(true)
--- body error string expected
error(function() end)
--- body error string expected
error(e)
--- body error string expected
error(f.w.items[1])
--- body error line 10: 5
error(5)
--- body error line 10: mine
error("mine", 0)
--- body error line 10: mine
error("mine", math.maxinteger)
--- body error line 10: mine
error("mine", {})
--- body error rule:99: not a place
error("rule:99: not a place")
--- body error assertion failed
assert(false)
--- body error string expected
assert(nil, {})
--- body error value expected
assert()
--- body error xxxx
error(("x"):rep(16000))
--- body error line 10: a
error("a\0b")
--- body error line 10: %s%s%n
error("%s%s%n")
--- body error line 10:
error("\xff\xfe broken")
--- body error line 10:
error(("\u{633}"):rep(600))
--- body error line 10:
error("a\nb\rc\27[31m\u{202e}d")
--- body error over the memory budget
local s = "x" while true do s = s .. s end error("never")
--- body error unknown name 'pcall'
return pcall(function() while true do end end)
--- body error unknown name 'xpcall'
return xpcall(error, error, "x")
--- body error unknown name 'pcall'
local function catch() return pcall(catch) end while true do catch() end
--- body error unknown name 'warn'
warn("@on")
--- body error unknown name 'print'
print("x")
--- body error attempt to call a nil value
local nothing = nil nothing()
--- body error attempt to call a table value
local t = {} t()
--- body error attempt to call a userdata value
e()
--- body error attempt to index a number value
local x = 1 return x.y
--- body error attempt to compare
return {} < {} and "ok"
--- body error attempt to compare
return e < f and "ok"
--- body error attempt to concatenate
return "x" .. nil
--- body error arithmetic on a userdata value
return e + 1
--- body error get length of a userdata value
return #e
