-- What wrk asks for: METHOD PREFIX FILE [follow | address | cookie]. Each line of the file, behind the
-- prefix, is the path of one request, in order and then from the beginning. `follow`: the answers
-- are decisions, and what they lead to is asked for before the next one: the beacon of each ad that
-- was given, and the way of a click of one page in fifty. `address`: each request is another
-- reader's, whom a proxy names; `cookie`: each has a cookie of its own. At the end one line of JSON
-- says what happened.
local PAGES_PER_CLICK = 50
local head, tail, lines, at = "", "", {}, 0
local waiting, first, last = {}, 1, 0
lines_there, asked, decisions, filled, beacons, clicks = 0, 0, 0, 0, 0, 0
local threads = {}

function setup(thread) table.insert(threads, thread) end

local function heads(method)
  local whole = wrk.format(method, "@")
  local where = string.find(whole, "@", 1, true)
  return string.sub(whole, 1, where - 1), string.sub(whole, where + 1)
end

local function line()
  asked = asked + 1
  at = at % #lines + 1
  return head .. lines[at] .. tail
end

-- A line more, before the others.
local function with(more)
  local target = line()
  local at = string.find(target, "\r\n", 1, true)
  return string.sub(target, 1, at + 1) .. more() .. string.sub(target, at)
end

local function address()
  return string.format("X-Forwarded-For: 100.%d.%d.%d",
    64 + math.floor(asked / 65536) % 64, math.floor(asked / 256) % 256, asked % 256)
end

local function cookie() return string.format("Cookie: visitor=%d", asked) end

local function push(method, path)
  last = last + 1
  waiting[last] = wrk.format(method, path)
end

local function next_of_page()
  if first > last then return line() end
  local request = waiting[first]
  waiting[first] = nil
  first = first + 1
  return request
end

local function followed(status, _, body)
  if status == 204 then beacons = beacons + 1 return end
  if status == 302 then clicks = clicks + 1 return end
  if status ~= 200 then return end
  decisions = decisions + 1
  for path in string.gmatch(body, '"impression_url":"([^"]+)"') do
    filled = filled + 1
    push("POST", path)
  end
  if decisions % PAGES_PER_CLICK == 0 then
    local path = string.match(body, '"click_url":"([^"]+)"')
    if path then push("GET", path) end
  end
end

function init(args)
  head, tail = heads(args[1])
  head = head .. args[2]
  for text in io.lines(args[3]) do lines[#lines + 1] = text end
  lines_there = #lines
  request = line
  if args[4] == "follow" then request, response = next_of_page, followed end
  if args[4] == "address" then request = function() return with(address) end end
  if args[4] == "cookie" then request = function() return with(cookie) end end
end

function done(summary, latency)
  local all = { asked = 0, decisions = 0, filled = 0, beacons = 0, clicks = 0, lines_there = 0 }
  for _, thread in ipairs(threads) do
    for name, sum in pairs(all) do all[name] = sum + thread:get(name) end
  end
  local errors = summary.errors
  all.requests = summary.requests
  all.seconds = summary.duration / 1e6
  all.refused = errors.status
  all.broken = errors.connect + errors.read + errors.write + errors.timeout
  all.p50, all.p99 = latency:percentile(50), latency:percentile(99)
  all.p999, all.longest = latency:percentile(99.9), latency.max
  local parts = {}
  for name, value in pairs(all) do parts[#parts + 1] = string.format('"%s": %.6f', name, value) end
  print("{" .. table.concat(parts, ", ") .. "}")
end
