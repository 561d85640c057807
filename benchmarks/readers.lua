-- Readers: the slot, then the beacon of the ad that was in it; one in 25 never sends it.
local NEVER = 0.04
local waiting = {}
served, accepted = 0, 0
local threads = {}

function setup(thread) table.insert(threads, thread) end

function request()
  return wrk.format("GET", table.remove(waiting) or "/slots/goal")
end

function response(status, headers, body)
  local event = headers["x-ad-event"]
  if event then
    if event == "accepted" then accepted = accepted + 1 end
    return
  end
  local beacon = string.match(body, "/i/[%w_-]+")
  if beacon then
    served = served + 1
    if math.random() >= NEVER then table.insert(waiting, beacon) end
  end
end

function done()
  local all, in_time = 0, 0
  for _, thread in ipairs(threads) do
    all, in_time = all + thread:get("served"), in_time + thread:get("accepted")
  end
  print(string.format("served %d accepted %d", all, in_time))
end
