--- body error nil instead of an outcome
return
--- body error boolean instead of an outcome
return true
--- body error table instead of an outcome
return { "ok" }
--- body error function instead of an outcome
return string.upper
--- body error userdata instead of an outcome
return e
--- body error which is not among outcomes
return "OK"
--- body error which is not among outcomes
return "ok\0"
--- body error which is not among outcomes
return ("o"):rep(16000)
--- body error which is not among outcomes
return "\xff\xfe"
--- body error a table of values
return "yes", "n"
--- body error a table of values
return "yes", e
--- body error a table of values
return "yes", p
--- body error values are named
return "yes", { 1, 2, 3 }
--- body error values are named
return "yes", { [1.5] = 1 }
--- body error values are named
return "yes", { [{}] = 1 }
--- body error bad name
return "yes", { [("n"):rep(65)] = 1 }
--- body error bad name
return "yes", { ["\xc0\xaf"] = 1 }
--- body error must be a string, a number or a boolean
return "yes", { n = { n = 1 } }
--- body error must be a string, a number or a boolean
return "yes", { n = function() end }
--- body error must be a string, a number or a boolean
return "yes", { n = e }
--- body error is too long
return "yes", { n = ("x"):rep(1025) }
--- body error is not UTF-8
return "yes", { n = "\xed\xa0\x80" }
--- body error is not UTF-8
return "yes", { n = "\xc0\x80" }
--- body error is not UTF-8
return "yes", { n = "\xf4\x90\x80\x80" }
--- body error is not UTF-8
return "yes", { n = ("\u{633}"):sub(1, 1) }
--- body error is not finite
return "yes", { n = 0 / 0 }
--- body error is not finite
return "yes", { n = -1 / 0 }
--- body error too many
local v = {} for i = 1, 17 do v["n" .. string.char(96 + i)] = i end return "yes", v
--- body ok
return "ok", nil, {}, error, e, "more", 1, 2, 3
--- body ok
return "ok", {}
--- body memory
local v = {} for i = 1, 1e6 do v["n" .. i] = i end return "yes", v
--- body error value a is not UTF-8
return "yes", { h = {}, g = 1 / 0, f = {}, e = 0 / 0, d = {}, c = {}, b = {}, a = "\xff" }
