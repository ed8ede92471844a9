--- check refused check fails: over the budget
while true do end
--- check refused check fails: over the memory budget
local s = "x" while true do s = s .. s end
--- check refused check fails: over the memory budget
local function f() return 1 + f() end return f()
--- check refused string expected
error({})
--- check refused check fails
error("mine")
--- check refused may not write here
p.k = 1 return true
--- check refused may not write here
globals = 1 return true
--- check refused unknown name
return os.exit(1)
--- check refused does not hold
return false
--- check refused does not hold
return nil, {}
--- check refused xxxx
return false, ("x"):rep(16000)
--- check refused p.nope: no such parameter
return p.nope
--- check refused stack overflow
local function deep() table.sort({ 1, 2 }, deep) return true end return deep()
