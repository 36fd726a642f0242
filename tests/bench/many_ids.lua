dofile("report.lua")
-- One request over many prepared ids. Arguments: method, path before and after the id's number, how many, and a form.
function init(args)
  local method, before, after, count, form = args[1], args[2], args[3], tonumber(args[4]), args[5] or ""
  requests = {}
  for i = 0, count - 1 do
    local head = string.format("%s %s%d%s HTTP/1.1\r\nHost: bench\r\nAuthorization: %s\r\n", method, before, i,
      after, wrk.headers["Authorization"])
    if method ~= "GET" then
      head = head .. "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " .. #form .. "\r\n"
    end
    requests[i + 1] = head .. "\r\n" .. form
  end
  next_one = math.random(#requests)
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end
