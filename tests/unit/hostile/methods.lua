--- body error string.gsub does not exist for rules
return (("x"):gsub("x", "y"))
--- body error string.gmatch does not exist for rules
for w in ("a b"):gmatch("%a") do end
--- body error string.match does not exist for rules
return ("x"):match(".-.-.-.-$")
--- body error string.dump does not exist for rules
return ("x"):dump()
--- body error string.dump does not exist for rules
return string.dump(function() end)
--- body error string.pack does not exist for rules
return string.pack("!16 i16", 1)
--- body error string.unpack does not exist for rules
return ("x"):unpack("z")
--- body error string.packsize does not exist for rules
return string.packsize("i4i4")
--- body error there are no patterns
return string.find(("a"):rep(16000), ("a?"):rep(8000) .. "b", 1, false)
--- body error there are no patterns
return string.find("x", ".", 1, nil)
--- body ok
return string.find(("a"):rep(16000), ("a-"):rep(4000), 1, true) == nil and "ok"
--- body ok
return ("a.b"):find(".") == 2 and ("a%b"):find("%") == 2 and ("a[b"):find("[") == 2 and "ok"
--- body ok
return ("x"):find("") == 1 and ("x"):find("", 2) == 2 and ("x"):find("", 3) == nil and "ok"
--- body error number expected
return ("x"):rep({})
--- body error string expected
return string.upper(nil)
--- body error string expected
return string.len({})
--- body error string.nope does not exist for rules
return ("x"):nope()
--- body error string.rep: over
return ("x").rep(("x").rep("y", 16000), 16000)
--- body error arithmetic on a string value
return "10" + 5
--- body error arithmetic on a string value
return -"2"
--- body error arithmetic on a string value
return "0x10" * "2"
--- body error bitwise operation on a string value
return "3" | 1
--- body ok
return ("\0\0"):len() == 2 and ("\0a"):upper() == "\0A" and ("\0x"):find("x") == 2 and "ok"
--- body ok
return ("ÿ"):upper() == "ÿ" and ("İ"):lower() == "İ" and "ok"
--- body ok
return tostring(0 / 0) == "nan" and tostring(-(0 / 0)) == "nan" and string.format("%s", 0 / 0) == "nan" and "ok"
