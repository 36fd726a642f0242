dofile("report.lua")
-- PUT /api/otp/<random id>. Arguments: the form, and "mail" to add an address of its own to each request.
local thread_count = 0
function setup(thread)
  thread_count = thread_count + 1
  thread:set("number", thread_count)
end

function init(args)
  form, with_address = args[1], args[2] == "mail"
  math.randomseed(os.time() * 1000 + number)
  run = string.format("%x%x", os.time(), number)
  sequence = 0
  head = "HTTP/1.1\r\nHost: bench\r\nAuthorization: " .. wrk.headers["Authorization"] ..
    "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
end

function request()
  local body = form
  if with_address then
    sequence = sequence + 1
    body = string.format("%s&to=%s-%d@bench.example", form, run, sequence)
  end
  return string.format("PUT /api/otp/%08x%08x%08x %s%d\r\n\r\n%s", math.random(0, 0xffffffff),
    math.random(0, 0xffffffff), math.random(0, 0xffffffff), head, #body, body)
end
