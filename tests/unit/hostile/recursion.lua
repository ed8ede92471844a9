--- body memory
local function f() return 1 + f() end return f()
--- body memory
local function f(n) local a, b, c, d = n, n, n, n return f(n + 1) + a + b + c + d end return f(0)
--- body memory
local a, b
a = function() return 1 + b() end
b = function() return 1 + a() end
return a()
--- body memory
local t = {} function t:m() return 1 + self:m() end return t:m()
--- body memory
local function f(...) return (f(1, ...)) end return f()
--- body memory
local function fib(n) if n == 0 then return 0 end return fib(n + 1) + fib(n - 1) end return fib(1)
--- body instructions
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(60) == 0 and "odd" or "ok"
--- body instructions
local function ack(m, n)
	if m == 0 then return n + 1 end
	if n == 0 then return ack(m - 1, 1) end
	return ack(m - 1, ack(m, n - 1))
end
return ack(3, 5) == 253 and ack(4, 1)
--- body memory
local y = function(g) return (function(x) return g(function(...) return x(x)(...) end) end)(function(x) return g(function(...) return x(x)(...) end) end) end
return y(function(self) return function(n) return self(n) end end)(1)
--- body error stack overflow
local function deep(a, b) table.sort({ 1, 2 }, deep) return a < b end
table.sort({ 1, 2 }, deep)
return "ok"
--- body error stack overflow
local function again() for _ in function() table.sort({ 2, 1 }, again) end do end end again()
--- body instructions
local function deep(n) if n == 0 then while true do end end table.sort({ 1, 2 }, function() deep(n - 1) return true end) end deep(100)
--- body ok
local function down(n) if n == 0 then return 0 end return 1 + down(n - 1) end return down(900) == 900 and "ok"
