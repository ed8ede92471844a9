--- body error unknown name 'setmetatable'
setmetatable({}, {})
--- body error unknown name 'getmetatable'
getmetatable("").__index.upper = nil
--- body error unknown name 'getmetatable'
return getmetatable(e).__index
--- body error unknown name 'rawset'
rawset(string, "upper", nil)
--- body error unknown name 'rawget'
return rawget(_ENV, "string")
--- body error unknown name 'rawequal'
return rawequal(e, e)
--- body error unknown name 'rawlen'
return rawlen(string)
--- body error unknown name '_G'
_G.string = nil
--- body error unknown name '_G'
return _G._G._G.os
--- body error unknown name 'debug'
debug.sethook()
--- body error unknown name 'debug'
return debug.getregistry()
--- body error unknown name 'debug'
debug.setmetatable("", nil)
--- body error unknown name 'debug'
return debug.getupvalue(string.upper, 1)
--- body error unknown name 'os'
os.exit(1)
--- body error unknown name 'os'
os.execute("true")
--- body error unknown name 'io'
io.open("/etc/passwd")
--- body error unknown name 'package'
return package.loadlib("x.so", "*")
--- body error unknown name 'setfenv'
setfenv(1, {})
--- body error unknown name 'getfenv'
return getfenv(0)
--- body error may not write here
string.upper = nil
--- body error may not write here
string.format = function() return "ok" end
--- body error may not write here
math.huge = 0
--- body error may not write here
table.sort = nil
--- body error may not write here
utf8.len = 1
--- body error may not write here
calendar.clock = function() return 0 end
--- body error may not write here
stats.new = 1
--- body error may not write here
_ENV.error = function() end
--- body error may not write here
_ENV._ENV = {}
--- body error may not write here
escaped = true
--- body error may not write here
function string.lower(s) return s end
--- body error may not write to e, f and p
e.a = 1
--- body error may not write to e, f and p
e.time = 0
--- body error may not write here
f.c = { n = 0 }
--- body error may not write to e, f and p
f.c.n = 0
--- body error may not write to e, f and p
f.w.items[1] = nil
--- body error may not write to e, f and p
f.w.items[1].key = "x"
--- body error may not write here
p.k = 9
--- body error table expected
table.insert(_ENV, "x")
--- body error table expected
table.remove(string)
--- body error table expected
table.sort(e)
--- body error table expected
table.insert(f.w.items, 1)
--- body error attempt to index a function value
string.upper.x = 1
--- body error attempt to index a string value
local s = "x" s.y = 1 return s
--- body error string.__index does not exist for rules
return ("x").__index
--- body error string.__metatable does not exist for rules
return string.__metatable
--- body error unknown name '__index'
return _ENV.__index
--- body error unknown name '_VERSION'
return _VERSION
--- body ok
local _ENV = {} string = 1 escaped = 2 return "ok"
--- body ok
local _ENV <const> = { x = 1 } x = 2 return "ok"
--- body ok
_ENV = { string = {} } string.upper = nil return "ok"
--- body ok
_ENV = nil return "ok"
--- body ok
local function inner() _ENV = nil end inner() return "ok"
--- body ok
for _, lib in pairs(_ENV) do if type(lib) == "table" then return "odd" end end return "ok"
--- body error unknown name 'setmetatable'
local f2 = function() local _ENV = setmetatable end return f2()()
--- body ok
local t = {} for k, v in pairs(string) do t[k] = v end t.upper = nil return ("x"):upper() == "X" and "ok"
--- body ok
local t = { __index = function() return "odd" end, __metatable = false, __gc = error, __mode = "k", __close = error }
return t.x == nil and "ok"
--- body error attempt to call a table value
local t = { __call = function() return "ok" end } return t()
--- body error e.__index is not declared
return e.__index
--- body error e.__metatable is not declared
return e["__metatable"]
--- body error f.__index: no such feature
return f.__index
--- body error p.__newindex: no such parameter
return p.__newindex
--- body error e.userdata is not declared
return e[e]
--- body error items is a list
return f.w.items.__len
--- body ok
return f.w.items[1].__index == nil and f.w.items[1].__gc == nil and "ok"
--- body error an item is read by field names
return f.w.items[1][1]
--- body ok
return f.w.items[math.mininteger] == nil and f.w.items[math.maxinteger] == nil and "ok"
