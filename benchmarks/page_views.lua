-- Readers of pages: a decision for all slots, then what becomes of its ads. Each is shown, VIEWED of
-- them come into view, and a click comes of CLICKED of the pages; each event once.
-- Arguments: the slots, a seed, how many pages. When all of them and their events are answered, it
-- says how many there were of what, and ends.
local VIEWED, CLICKED = 0.7, 0.02
local ADDRESSES = 1000
local agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " ..
  "Chrome/142.0.0.0 Safari/537.36"
local waiting, first, last = {}, 1, 0
local open, asked = 0, 0
local slots, pages
local idle = "/slots.css"  -- what is asked for where nothing else is left to ask
local tried = false
local counts = {answered = 0, impressions = 0, viewables = 0, clicks = 0, accepted = 0,
  pending = 0, refused = 0}
local names = {"answered", "impressions", "viewables", "clicks", "accepted", "pending", "refused"}

function init(args)
  wrk.headers["User-Agent"] = agent
  slots, pages = args[1], tonumber(args[3])
  math.randomseed(tonumber(args[2]))
end

local function add(what, method, path)
  last = last + 1
  waiting[last] = wrk.format(method, path)
  open = open + 1
  counts[what] = counts[what] + 1
end

function request()
  if not tried then  -- wrk looks at one before it begins, and does not send it
    tried = true
    return wrk.format("GET", idle)
  end
  if first <= last then
    local found = waiting[first]
    waiting[first] = nil
    first = first + 1
    return found
  end
  if asked == pages then return wrk.format("GET", idle) end
  asked, open = asked + 1, open + 1
  local address = "https://blog.example/" .. math.random(ADDRESSES)
  return wrk.format("GET", "/decisions?slots=" .. slots .. "&url=" .. address)
end

local function finish()
  for _, name in ipairs(names) do print(name .. " " .. counts[name]) end
  io.flush()
  os.exit(0)
end

function response(status, headers, body)
  local event = headers["x-ad-event"]
  if event then
    open = open - 1
    local what = (event == "accepted" or event == "pending") and event or "refused"
    counts[what] = counts[what] + 1
  elseif string.find(body, '"decisions"', 1, true) then
    open = open - 1
    counts.answered = counts.answered + 1
    for url in string.gmatch(body, '"impression_url": ?"([^"]+)"') do
      add("impressions", "POST", url)
    end
    for url in string.gmatch(body, '"viewable_url": ?"([^"]+)"') do
      if math.random() < VIEWED then add("viewables", "POST", url) end
    end
    local url = string.match(body, '"click_url": ?"([^"]+)"')
    if url and math.random() < CLICKED then add("clicks", "GET", url) end
  elseif status ~= 200 then
    counts.refused = counts.refused + 1
  end
  if open == 0 and asked == pages then finish() end
end
