-- Count what a journal ships, once: only where its ledger says what comes before.
-- KEYS: ledger, counts of the hour, totals, hours, changes, change, then the bitmaps, then the
--       leases of campaigns with limits
-- ARGV: 1 what the ledger must say, 2 what it says then ("sequence digest" and a newline each),
--       3 life of ledger and bitmaps (s), 4 hour's name, 5 its beginning (UTC s),
--       6 events, 24 bytes each, big-endian: writer 4, block 2, place 2, kind 1, site 1, slot 2,
--         until 4, campaign 4, creative 4,
--       7 writer and block of each bitmap (6 bytes), in the order of their keys,
--       8 tallies, lines of "metric:creative:slot:site count"
--       9 number of each campaign with limits (4 bytes), in the order of their keys,
--       10 what becomes of clicks on ads without an impression so far: "off", "dry_run", "discard"
-- Returns what the ledger says: ARGV[2] if it was applied, followed by lines of what the events
-- added; then also if it had been applied before and nothing since.
--
-- A viewable impression counts together with its impression, whichever comes last: once both bits
-- are taken. One that comes before is shown apart (`w`).
local EVENT, BITMAP, CAMPAIGN, FIRST = 24, 6, 4, 7
-- By kind. A click that is known to come after its impression has a kind of its own.
local METRICS = {[0] = 'i', [1] = 'v', [2] = 'c', [6] = 'c'}
local IMPRESSION, VIEWABLE, CLICK, MATCHED = 0, 1, 2, 4

local said = redis.call('GET', KEYS[1]) or '0 0\n'
if string.sub(said, 1, #ARGV[1]) ~= ARGV[1] then return said end

local life, events, bitmaps, limited = ARGV[3], ARGV[6], ARGV[7], ARGV[9]
local unmatched_clicks = ARGV[10]
local last = FIRST + #bitmaps / BITMAP - 1

-- A key of another type would stop us half-way: look at each before the first write.
redis.call('HLEN', KEYS[2]) redis.call('HLEN', KEYS[3]) redis.call('ZCARD', KEYS[4])
redis.call('ZCARD', KEYS[5]) redis.call('STRLEN', KEYS[6])
for k = FIRST, last do redis.call('STRLEN', KEYS[k]) end
for k = last + 1, #KEYS do redis.call('HLEN', KEYS[k]) end

local add, touched = {}, {}
local function plus(rows, field, n) rows[field] = (rows[field] or 0) + n end

-- Which events lie in which bitmap, in the order of their arrival.
local takes, rows, before, after = {}, {}, {}, {}
local group_of = {}
for k = FIRST, last do
  local at = (k - FIRST) * BITMAP
  takes[k], rows[k], before[k], after[k] = {}, {}, {}, {}
  group_of[string.sub(bitmaps, at + 1, at + BITMAP)] = k
end
local function look(bits, bit)
  local n = #bits
  bits[n + 1], bits[n + 2], bits[n + 3] = 'GET', 'u1', bit
end
for at = 1, #events, EVENT do
  local k = group_of[string.sub(events, at, at + BITMAP - 1)]
  local place, kind = struct.unpack('>I2B', events, at + BITMAP)
  -- Which of both events of its ticket was there when the other came.
  if kind == IMPRESSION then look(before[k], place * 3 + VIEWABLE) end
  if kind == VIEWABLE then look(after[k], place * 3 + IMPRESSION) end
  local take, n = takes[k], #takes[k]
  -- At most 1,000 events a call, so 4,000 arguments: Lua's stack holds 8,000.
  take[n + 1], take[n + 2], take[n + 3], take[n + 4] = 'SET', 'u1', place * 3 + kind % MATCHED, 1
  local row = rows[k]
  row[#row + 1] = string.sub(events, at + 8, at + 23)  -- kind, site, slot, until, …
end

-- Take the bits; what was free counts, what was taken is a duplicate.
local fresh, taken, unmatched = {}, {}, {}
-- Of each row of fresh impressions and viewables, in the order of their arrival: bitmap, the
-- ticket's first bit, and 1 where the other event is there: of an impression its viewable, from an
-- earlier call; of a viewable its impression, from this one too.
local tickets = {}
local function note(row, k, ticket, other)
  local some = tickets[row]
  if not some then
    some = {}
    tickets[row] = some
  end
  local n = #some
  some[n + 1], some[n + 2], some[n + 3] = k, ticket, other
end
local function bits(k, operations)
  return #operations > 0 and redis.call('BITFIELD', KEYS[k], unpack(operations)) or {}
end
for k = FIRST, last do
  local take, row = takes[k], rows[k]
  local viewed, was, shown = bits(k, before[k]), bits(k, take), bits(k, after[k])
  redis.call('EXPIRE', KEYS[k], life)
  local impressions, viewables = 0, 0
  for e = 1, #row do
    local kind = string.byte(row[e])
    if kind == IMPRESSION then impressions = impressions + 1 end
    if kind == VIEWABLE then viewables = viewables + 1 end
    if was[e] == 1 then
      plus(taken, row[e], 1)
    else
      plus(fresh, row[e], 1)
      local bit = take[e * 4 - 1]
      if kind == IMPRESSION then
        note(row[e], k, bit, viewed[impressions])
      elseif kind == VIEWABLE then
        note(row[e], k, bit - VIEWABLE, shown[viewables])
      elseif kind == CLICK and redis.call('GETBIT', KEYS[k], bit - CLICK) == 0 then
        plus(unmatched, row[e], 1)
      end
    end
  end
end

local function field(metric, site, slot, creative)
  return string.format('%s:%d:%d:%d', metric, creative, slot, site)
end
local function total(metric, creative, n)
  redis.call('HINCRBY', KEYS[3], metric .. ':' .. creative, n)
  touched[creative] = true
end
-- How many of n events the limits of their campaign let count, which `core.leases` explains: those
-- whose room is still reserved, and beyond them as many as there is free room.
local leases = {}
for k = last + 1, #KEYS do
  local at = (k - last - 1) * CAMPAIGN
  leases[string.sub(limited, at + 1, at + CAMPAIGN)] = KEYS[k]
end
local function left(lease)
  local ever, metric, creatives, reserved = unpack(
    redis.call('HMGET', lease, 'ever', 'metric', 'creatives', 'reserved'))
  local free = tonumber(ever or 0)
  if free == 0 then return math.huge end
  for creative in string.gmatch(creatives, '%d+') do
    free = free - tonumber(redis.call('HGET', KEYS[3], metric .. ':' .. creative) or 0)
  end
  return free - tonumber(reserved or 0)
end
local function left_today(lease, till)
  local a_day, day, day_end, today = unpack(
    redis.call('HMGET', lease, 'a_day', 'day', 'day_end', 'today'))
  if tonumber(a_day or 0) == 0 then return math.huge, false end
  -- A day that is over, or was never begun here, has no more room than was reserved in it.
  if not day or till <= tonumber(day) or till > tonumber(day_end) then return 0, false end
  return tonumber(a_day) - tonumber(today), true
end
-- Room that n events have reserved, as far as they have, is reserved no more.
local function release(lease, till, n)
  local reserved = math.min(n, tonumber(redis.call('HGET', lease, till) or 0))
  if reserved > 0 then
    redis.call('HINCRBY', lease, till, -reserved)
    redis.call('HINCRBY', lease, 'reserved', -reserved)
  end
  return reserved
end
local function allowed(lease, till, n)
  if redis.call('EXISTS', lease) == 0 then return n end
  local reserved = release(lease, till, n)
  if reserved == n then return n end
  local a_day, counted = left_today(lease, till)
  -- What was reserved and counts now is neither in totals yet nor reserved any more.
  local more = math.max(0, math.min(n - reserved, left(lease) - reserved, a_day))
  if more > 0 and counted then redis.call('HINCRBY', lease, 'today', more) end
  return reserved + more
end
-- Of events that do not count whatever room there is: theirs is for others.
local function give_back(lease, till, n)
  local reserved = release(lease, till, n)
  local day, day_end = unpack(redis.call('HMGET', lease, 'day', 'day_end'))
  if reserved > 0 and day and till > tonumber(day) and till <= tonumber(day_end) then
    redis.call('HINCRBY', lease, 'today', -reserved)
  end
end

local ROW = '>BBI2I4c4I4'
-- First, so that the others find the room that is given back.
if unmatched_clicks == 'discard' then
  for row, n in pairs(unmatched) do
    local _, site, slot, till, campaign, creative = struct.unpack(ROW, row)
    plus(add, field('c.unmatched', site, slot, creative), n)
    if till > 0 and leases[campaign] then give_back(leases[campaign], till, n) end
    fresh[row] = fresh[row] - n
  end
  unmatched = {}
end
local function count(metric, site, slot, creative, n)
  if n == 0 then return end
  plus(add, field(metric, site, slot, creative), n)
  total(metric, string.format('%d', creative), n)
end
-- By bitmap, the tickets of impressions that have lapsed in this call.
local lapsed = {}
-- Of a row's impressions the first have counted: how many of these were waited for. The bits of
-- the others say that they have come, so nothing would tell a viewable that is still to come that
-- its impression has not counted: its own bit is taken instead.
local function waited_for(some, counted)
  local n = 0
  for at = 1, #some, 3 do
    local k, ticket, viewed = some[at], some[at + 1], some[at + 2]
    if at > counted * 3 then
      lapsed[k] = lapsed[k] or {}
      lapsed[k][ticket] = true
      redis.call('BITFIELD', KEYS[k], 'SET', 'u1', ticket + VIEWABLE, 1)
    elseif viewed == 1 then
      n = n + 1
    end
  end
  return n
end
local function with_impression(some)
  local n = 0
  for at = 1, #some, 3 do
    local k, ticket, shown = some[at], some[at + 1], some[at + 2]
    if shown == 1 and not (lapsed[k] and lapsed[k][ticket]) then n = n + 1 end
  end
  return n
end
local viewables = {}
for row, n in pairs(fresh) do
  local kind, site, slot, till, campaign, creative = struct.unpack(ROW, row)
  if kind == VIEWABLE then
    viewables[row] = n
  else
    local counted = n
    if till > 0 and leases[campaign] then counted = allowed(leases[campaign], till, n) end
    count(METRICS[kind], site, slot, creative, counted)
    if counted < n then
      plus(add, field(METRICS[kind] .. '.lapsed', site, slot, creative), n - counted)
    end
    if kind == IMPRESSION then
      count('v', site, slot, creative, waited_for(tickets[row], counted))
    end
  end
end
-- Last, as it is known by now which impressions count.
for row, n in pairs(viewables) do
  local _, site, slot, _, _, creative = struct.unpack(ROW, row)
  local counted = with_impression(tickets[row])
  count('v', site, slot, creative, counted)
  if counted < n then plus(add, field('w', site, slot, creative), n - counted) end
end
for row, n in pairs(taken) do
  local kind, site, slot, _, _, creative = struct.unpack(ROW, row)
  plus(add, field(METRICS[kind] .. '.duplicate', site, slot, creative), n)
end
for row, n in pairs(unmatched) do
  local _, site, slot, _, _, creative = struct.unpack(ROW, row)
  plus(add, field('u', site, slot, creative), n)
  if unmatched_clicks == 'dry_run' then plus(add, field('C.unmatched', site, slot, creative), n) end
end

local answer = {ARGV[2]}
for name, n in pairs(add) do
  redis.call('HINCRBY', KEYS[2], name, n)
  answer[#answer + 1] = name .. ' ' .. n .. '\n'
end
for name, n in string.gmatch(ARGV[8], '(%S+) (%d+)\n') do
  redis.call('HINCRBY', KEYS[2], name, n)
  local served = string.match(name, '^s:(%d+):')
  if served then total('s', served, n) end
end
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[4])

if next(touched) then
  local change = redis.call('INCR', KEYS[6])
  for creative in pairs(touched) do redis.call('ZADD', KEYS[5], change, creative) end
end
local says = table.concat(answer)
redis.call('SET', KEYS[1], says, 'EX', life)
return says
