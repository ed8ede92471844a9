--- body error unknown name 'load'
return load("while true do end")()
--- body error unknown name 'load'
return load("\27Lua")
--- body error unknown name 'load'
return load(function() return "x" end, "x", "b", {})
--- body error unknown name 'loadstring'
return loadstring("return 1")()
--- body error unknown name 'loadfile'
return loadfile("/etc/passwd")
--- body error unknown name 'dofile'
return dofile("/dev/zero")
--- body error unknown name 'require'
return require("os")
--- body error unknown name 'module'
module("x")
--- body error unknown name 'string2'
return string2.dump
--- body error unknown name 'import'
return import "os"
--- body error unknown name 'ffi'
return ffi.C
--- body error unknown name 'jit'
jit.off()
--- body error unknown name 'bit32'
return bit32.band(1)
--- file refused binary
Lua
--- file refused binary
LuaT{50:x}
--- file refused binary
Lua{1:S}{6000:A}
--- file refused unexpected symbol
#!/usr/bin/lua{1: }
--- file refused unexpected symbol
?
--- file refused string.dump does not exist
return string.dump == nil
--- file refused unknown name 'load'
return load("return {}")()
--- file refused unknown name 'require'
local x = require("x") return x
--- file refused unknown name 'os'
os.exit(0)
