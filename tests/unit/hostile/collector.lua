--- body error unknown name 'collectgarbage'
collectgarbage("stop")
--- body error unknown name 'collectgarbage'
collectgarbage("setpause", 1000000)
--- body error unknown name 'collectgarbage'
return collectgarbage("count")
--- body error unknown name 'coroutine'
coroutine.wrap(function() while true do end end)()
--- body error unknown name 'coroutine'
local co co = coroutine.create(function() coroutine.close(co) end) coroutine.resume(co)
--- body error unknown name 'coroutine'
return coroutine.isyieldable()
--- body error got a non-closable value
local x <close> = {} return "ok"
--- body error got a non-closable value
local x <close> = e return "ok"
--- body error got a non-closable value
local x <close> = function() while true do end end return "ok"
--- body ok
local x <close> = nil local y <close> = false return "ok"
--- body error got a non-closable value
for k in pairs({}), nil, nil, {} do end for k in function() end, nil, nil, {} do end return "ok"
--- body error unknown name 'newproxy'
return newproxy(true)
--- body memory
local t = {} t.__gc = function() while true do end end while true do t = { __gc = t.__gc, t } end
--- body memory
local t = { __mode = "kv" } while true do t[{}] = {} end
--- body memory
for i = 1, 1e9 do local junk = { i, { i } } end
--- body instructions
local t = {} while true do t[1] = ("x"):rep(100) .. #t end
--- body memory
local function f() local t = {} return function() return t end end while true do f() end
--- body instructions
while true do local s = ("%d"):format(1) .. ("x"):rep(41) end
--- head memory
local cache = {}
-- evaluate:
local n = 0 while true do n = n + 1 local x = cache[n] or { n } end
