--- body error unknown name 'next'
return next({})
--- body error unknown name 'next'
for k, v in next, {} do end return "ok"
--- body ok
local t = { a = 1, b = 2, c = 3 } for k in pairs(t) do t[k] = nil t[k .. "x"] = 1 end return "ok"
--- body ok
local t = { 1, 2, 3 } for i in ipairs(t) do t[i] = nil end return #t == 0 and "ok"
--- body instructions
local t = { 1 } for i in ipairs(t) do t[i + 1] = nil t[i % 2 + 1] = 1 t[i] = 1 for k = 1, 1000 do end t[i + 1] = 1 t[i - 1] = nil end return "ok"
--- body memory
local t = { 1 } for i in ipairs(t) do t[i + 1] = 1 end return "ok"
--- body error a key is a table
for k in pairs({ [{}] = 1 }) do end return "ok"
--- body error a key is a function
for k in pairs({ [function() end] = 1, [1] = 1 }) do end return "ok"
--- body error a key is a userdata
for k in pairs({ [e] = 1 }) do end return "ok"
--- body error table expected
for k in pairs(e) do end return "ok"
--- body error table expected
for k in pairs(f.w.items) do end return "ok"
--- body error table expected
for k in pairs("abc") do end return "ok"
--- body error no attribute number
for _ in ipairs(f.w) do end for _ in ipairs({}) do end return f.w.items[{}]
--- body ok
local it, a, b = pairs({ 1, 2 }) it() it() it() return it() == nil and it(1, 2, 3) == nil and "ok"
--- body error bad argument
local it = ipairs({}) it() return "ok"
--- body error attempt to index
local it = ipairs({}) it(nil, 1) return "ok"
--- body error does not exist for rules
local it = ipairs({ 1 }) while true do it({ 1 } and "x", 0) it("x", math.maxinteger) end
--- body ok
local it = ipairs({}) return it({}, math.maxinteger) == nil and "ok"
--- body error index is nil
local t = {} t[nil] = 1
--- body error index is NaN
local t = {} t[0 / 0] = 1
--- body ok
local t = {} t[2 ^ 53] = 1 t[-0.0] = 2 t[0] = 3 return t[0.0] == 3 and t[9007199254740992] == 1 and "ok"
--- body error table.insert: the list is full
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 table.insert(t, 2) return "ok"
--- body error table.insert: the list is full
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 table.insert(t, 1, 2) return "ok"
--- body instructions
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 table.remove(t, 1) return "ok"
--- body ok
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1
return table.remove(t) == 1 and t[math.maxinteger] == nil and "ok"
--- body error table.concat: element 3 is a nil
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 return table.concat(t)
--- body error more than 250 elements
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 return table.unpack(t)
--- body instructions
local t = { [5] = 1, [9] = 1 } local k = 1 while k > 0 do t[k] = 1 k = k * 2 end t[math.maxinteger] = 1 while true do local n = #t end
--- body ok
local t = {} t[math.maxinteger] = 1 t[math.mininteger] = 2 local n = 0 for k in pairs(t) do n = n + 1 end return n == 2 and "ok"
--- body error position out of bounds
table.insert({ 1 }, math.maxinteger, 1)
--- body error position out of bounds
table.insert({ 1 }, math.mininteger, 1)
--- body error position out of bounds
table.remove({ 1 }, math.mininteger)
--- body error takes 2 or 3 arguments
table.insert({ 1 }, 1, 1, 1)
--- body error more than 250
local t = {} for i = 1, 300 do t[i] = i end return table.unpack(t)
--- body ok
local t = {} for i = 1, 250 do t[i] = i end return select("#", table.unpack(t)) == 250 and select(-1, table.unpack(t)) == 250 and "ok"
--- body error index out of range
return select(math.mininteger, 1, 2)
--- body ok
return select(math.maxinteger, 1, 2) == nil and "ok"
--- head memory
local t = {} for i = 1, 400000 do t[i] = i end for i = 1, 400000 do t[i] = nil end
-- evaluate:
while true do for k in pairs(t) do end end
--- head instructions
local t = {} for i = 1, 400000 do t[i] = i end for i = 2, 400000 do t[i] = nil end
-- evaluate:
while true do local n = #t n = t[1] + t[1] end
--- head memory
local t = {} for i = 1, 20000 do t[i] = i end
-- evaluate:
for k in pairs(t) do end
