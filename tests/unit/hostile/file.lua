--- file refused over the budget of
while true do end
--- file refused over the budget of
for i = 1, 1e18 do end return {}
--- file refused over the memory budget
local s = "x" while true do s = s .. s end
--- file refused over the memory budget
local t = {} while true do t[#t + 1] = {} end
--- file refused over the memory budget
local function f() return 1 + f() end return f()
--- file refused C stack overflow
local x = {300:(}1{300:)} return x
--- file refused C stack overflow
local x = {300:{}{1:1} return x
--- file refused C stack overflow
return {1000:- }1
--- file refused C stack overflow
return {1000:not }1
--- file refused C stack overflow
{300:do }{300:end }
--- file refused C stack overflow
local x = {300:function() return }1{300: end} return x
--- file refused C stack overflow
local x = {300:a^}1 return x
--- file refused C stack overflow
local x = {300:"a"..}"a" return x
--- file refused too many local variables
{201:local x }
--- file refused unfinished string
return "{1000:x}
--- file refused unfinished long string
return [[{1000:x}
--- file refused invalid escape sequence
return "\q"
--- file refused decimal escape too large
return "\999"
--- file refused UTF-8 value too large
return "\u{1:{}ffffffffff}"
--- file refused no visible label
goto nowhere
--- file refused label 'a'
::a:: ::a::
--- file refused jumps into the scope
goto x local y ::x:: y = 1
--- file refused attempt to assign to const variable
local x <const> = 1 x = 2
--- file refused unknown attribute
local x <evil> = 1
--- file refused multiple to-be-closed
local x <close>, y <close> = nil
--- file refused break outside
break
--- file refused expected
return {1000:{1:[}}
--- file refused the file must return a table
return 5
--- file refused the file must return a table
return "x"
--- file refused the file must return a table

--- file refused the file must return a table
{10000:;}
--- file refused the file must return a table
return nil
--- file refused evaluate is missing
return {}
--- file refused nested more than 16 deep
local t = {} t.t = t return t
--- file refused neither a name nor a place
return { [{}] = 1 }
--- file refused outcomes is missing
return { evaluate = string.upper }
--- file refused check fails
return { evaluate = function() end, check = error }
--- file refused a list in the file has holes
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 return t
--- file refused a list in the file has holes
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 return { tests = t, evaluate = 1 }
--- file refused a list in the file has holes
local t = {} t[1] = 1 t[2] = 2 t[4] = 4 return { on = t }
--- file refused nested more than 16 deep
local t = {} for i = 1, 20 do t = { t, t } end return t
--- file refused more than 1000 keys
local t = {} for i = 1, 5000 do t["k" .. i] = i end return t
--- file refused more than 100000 values
local t = {} for i = 1, 200000 do t[i] = i end return t
--- file refused <name> expected
{30000:local }
--- file refused <name> expected
local a <
--- file refused <name> expected
local function
--- file refused <name> expected
for
--- file refused unexpected symbol
return { evaluate =
--- file refused over the budget of 5000000 instructions
local s = ("\0"):rep(16000) local t = s .. "x" while true do local x = s < t end
--- file refused C stack overflow
{16000:::a:: }
--- file refused no visible label
{20000:goto a }
--- file refused has no key
return { ["\xff\xfe\27[2J\n\u{202e}key"] = 1 }
--- file refused stands twice
return { audience = { "\xff\r\n", "\xff\r\n" } }
