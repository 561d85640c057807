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
local SHOWN, SEEN = 4, 2  -- the bits of impression and viewable, in a ticket's three
local ROW = '>BBI2I4c4I4'
local FIELDS = 1000  -- of one command: Lua's stack holds 8,000 values
local call, byte, sub, format = redis.call, string.byte, string.sub, string.format

local said = call('GET', KEYS[1]) or '0 0\n'
if sub(said, 1, #ARGV[1]) ~= ARGV[1] then return said end

local life, events, bitmaps, limited = ARGV[3], ARGV[6], ARGV[7], ARGV[9]
local unmatched_clicks = ARGV[10]
local last = FIRST + #bitmaps / BITMAP - 1

-- A key of another type would stop us half-way: look at each before the first write.
call('HLEN', KEYS[2]) call('HLEN', KEYS[3]) call('ZCARD', KEYS[4])
call('ZCARD', KEYS[5]) call('STRLEN', KEYS[6])
for k = FIRST, last do call('STRLEN', KEYS[k]) end
for k = last + 1, #KEYS do call('HLEN', KEYS[k]) end

local group_of, leases = {}, {}
for k = FIRST, last do
  local at = (k - FIRST) * BITMAP
  group_of[sub(bitmaps, at + 1, at + BITMAP)] = k
end
for k = last + 1, #KEYS do
  local at = (k - last - 1) * CAMPAIGN
  leases[sub(limited, at + 1, at + CAMPAIGN)] = KEYS[k]
end

-- Events that are alike but for their tickets, in the order of arrival. fresh, taken: how many.
-- other: fresh impressions whose viewable was there before this call; fresh viewables whose
-- impression is there now; fresh clicks that have none. tickets: where impressions may lapse, of
-- each fresh event its bitmap, its ticket's first bit, and whether it is one of `other`.
local rows, row_of = {}, {}
local function row_named(name)
  local kind, site, slot, till, campaign, creative = struct.unpack(ROW, name)
  local lease = till > 0 and leases[campaign] or nil
  local may_lapse = kind == IMPRESSION and lease or kind == VIEWABLE and next(leases)
  local row = {kind = kind, till = till, creative = format('%d', creative), lease = lease,
    place = format(':%d:%d:%d', creative, slot, site), fresh = 0, taken = 0, other = 0,
    tickets = may_lapse and {}}
  rows[#rows + 1] = row
  row_of[name] = row
  return row
end

-- By kind and bitmap, what is to be done to bits; and for whom, a row and a ticket's first bit each.
-- The three bits of a ticket are one number, and an impression adds SHOWN to it: that fails where
-- there has been one, and tells all three where there has not. At most 1,000 events a call, so 7,000
-- arguments.
local operations, waiting = {[0] = {}, {}, {}}, {[0] = {}, {}, {}}
for kind = 0, 2 do
  for k = FIRST, last do operations[kind][k], waiting[kind][k] = {}, {} end
end
for at = 1, #events, EVENT do
  local name = sub(events, at + 8, at + 23)  -- kind, site, slot, until, …
  local row = row_of[name] or row_named(name)
  local k, kind = group_of[sub(events, at, at + BITMAP - 1)], row.kind % MATCHED
  local high, low = byte(events, at + BITMAP, at + BITMAP + 1)
  local ticket, todo, who = (high * 256 + low) * 3, operations[kind][k], waiting[kind][k]
  local n = #todo
  if kind == IMPRESSION then
    if n == 0 then todo[1], todo[2], n = 'OVERFLOW', 'FAIL', 2 end
    todo[n + 1], todo[n + 2], todo[n + 3], todo[n + 4] = 'INCRBY', 'u3', ticket, SHOWN
  else
    todo[n + 1], todo[n + 2], todo[n + 3], todo[n + 4] = 'SET', 'u1', ticket + kind, 1
    todo[n + 5], todo[n + 6], todo[n + 7] = 'GET', 'u1', ticket
  end
  n = #who
  who[n + 1], who[n + 2] = row, ticket
end

-- Take the bits; what was free counts, what was taken is a duplicate. In the order of kinds, so that
-- viewables and clicks find the impressions of this call, and these only viewables of earlier ones.
local function take(row, k, ticket, other)
  row.fresh = row.fresh + 1
  if other then row.other = row.other + 1 end
  local some = row.tickets
  if some then
    local n = #some
    some[n + 1], some[n + 2], some[n + 3] = k, ticket, other
  end
end
local function take_impressions(k, who)
  local now = call('BITFIELD', KEYS[k], unpack(operations[IMPRESSION][k]))
  for e = 1, #now do
    local row, ticket = who[e * 2 - 1], who[e * 2]
    if now[e] then take(row, k, ticket, now[e] >= SHOWN + SEEN) else row.taken = row.taken + 1 end
  end
end
local function take_others(kind, k, who)
  local was = call('BITFIELD', KEYS[k], unpack(operations[kind][k]))
  for e = 2, #who, 2 do
    local row, shown = who[e - 1], was[e] == 1
    if was[e - 1] == 1 then
      row.taken = row.taken + 1
    else
      take(row, k, who[e], kind == VIEWABLE and shown or row.kind == CLICK and not shown)
    end
  end
end
for k = FIRST, last do
  if #waiting[IMPRESSION][k] > 0 then take_impressions(k, waiting[IMPRESSION][k]) end
  for kind = VIEWABLE, CLICK do
    if #waiting[kind][k] > 0 then take_others(kind, k, waiting[kind][k]) end
  end
  call('EXPIRE', KEYS[k], life)
end

-- What is to be added to hashes: at the end, as a command with many fields costs much less than as
-- many commands.
local function sums() return {names = {}, counts = {}, at = {}} end
local hour, totals, touched = sums(), sums(), {}
local function plus(some, name, n)
  local at = some.at[name]
  if at then
    some.counts[at] = some.counts[at] + n
  else
    at = #some.names + 1
    some.names[at], some.counts[at], some.at[name] = name, n, at
  end
end
local function total(metric, creative, n)
  plus(totals, metric .. ':' .. creative, n)
  touched[creative] = true
end
local function delivered(metric, creative)
  local name = metric .. ':' .. creative
  return tonumber(call('HGET', KEYS[3], name) or 0) + (totals.counts[totals.at[name]] or 0)
end
local function add(key, some)
  for first = 1, #some.names, FIELDS do
    local to = math.min(first + FIELDS - 1, #some.names)
    local was, now = call('HMGET', key, unpack(some.names, first, to)), {}
    for at = first, to do
      now[#now + 1] = some.names[at]
      now[#now + 1] = (was[at - first + 1] or 0) + some.counts[at]
    end
    call('HSET', key, unpack(now))
  end
end

-- How many of n events the limits of their campaign let count, which `core.leases` explains: those
-- whose room is still reserved, and beyond them as many as there is free room.
local function left(lease)
  local ever, metric, creatives, reserved = unpack(
    call('HMGET', lease, 'ever', 'metric', 'creatives', 'reserved'))
  local free = tonumber(ever or 0)
  if free == 0 then return math.huge end
  for creative in string.gmatch(creatives, '%d+') do
    free = free - delivered(metric, creative)
  end
  return free - tonumber(reserved or 0)
end
local function left_today(lease, till)
  local a_day, day, day_end, today = unpack(
    call('HMGET', lease, 'a_day', 'day', 'day_end', 'today'))
  if tonumber(a_day or 0) == 0 then return math.huge, false end
  -- A day that is over, or was never begun here, has no more room than was reserved in it.
  if not day or till <= tonumber(day) or till > tonumber(day_end) then return 0, false end
  return tonumber(a_day) - tonumber(today), true
end
-- Room that n events have reserved, as far as they have, is reserved no more.
local function release(lease, till, n)
  local reserved = math.min(n, tonumber(call('HGET', lease, till) or 0))
  if reserved > 0 then
    call('HINCRBY', lease, till, -reserved)
    call('HINCRBY', lease, 'reserved', -reserved)
  end
  return reserved
end
local function allowed(lease, till, n)
  if call('EXISTS', lease) == 0 then return n end
  local reserved = release(lease, till, n)
  if reserved == n then return n end
  local a_day, counted = left_today(lease, till)
  -- What was reserved and counts now is neither in totals yet nor reserved any more.
  local more = math.max(0, math.min(n - reserved, left(lease) - reserved, a_day))
  if more > 0 and counted then call('HINCRBY', lease, 'today', more) end
  return reserved + more
end
-- Of events that do not count whatever room there is: theirs is for others.
local function give_back(lease, till, n)
  local reserved = release(lease, till, n)
  local day, day_end = unpack(call('HMGET', lease, 'day', 'day_end'))
  if reserved > 0 and day and till > tonumber(day) and till <= tonumber(day_end) then
    call('HINCRBY', lease, 'today', -reserved)
  end
end

-- First, so that the others find the room that is given back.
if unmatched_clicks == 'discard' then
  for _, row in ipairs(rows) do
    if row.kind == CLICK and row.other > 0 then
      plus(hour, 'c.unmatched' .. row.place, row.other)
      if row.lease then give_back(row.lease, row.till, row.other) end
      row.fresh, row.other = row.fresh - row.other, 0
    end
  end
end
local function count(metric, row, n)
  if n == 0 then return end
  plus(hour, metric .. row.place, n)
  total(metric, row.creative, n)
end
-- By bitmap, the tickets of impressions that have lapsed in this call.
local lapsed = {}
-- Of a row's impressions the first have counted: how many of these were waited for. The bits of
-- the others say that they have come, so nothing would tell a viewable that is still to come that
-- its impression has not counted: its own bit is taken instead.
local function waited_for(row, counted)
  if counted == row.fresh then return row.other end
  local n, some = 0, row.tickets
  for at = 1, #some, 3 do
    local k, ticket, viewed = some[at], some[at + 1], some[at + 2]
    if at > counted * 3 then
      lapsed[k] = lapsed[k] or {}
      lapsed[k][ticket] = true
      call('BITFIELD', KEYS[k], 'SET', 'u1', ticket + VIEWABLE, 1)
    elseif viewed then
      n = n + 1
    end
  end
  return n
end
local function with_impression(row)
  if not next(lapsed) then return row.other end
  local n, some = 0, row.tickets
  for at = 1, #some, 3 do
    local k, ticket, shown = some[at], some[at + 1], some[at + 2]
    if shown and not (lapsed[k] and lapsed[k][ticket]) then n = n + 1 end
  end
  return n
end
for _, row in ipairs(rows) do
  if row.kind ~= VIEWABLE and row.fresh > 0 then
    local metric, n = METRICS[row.kind], row.fresh
    local counted = n
    if row.lease then counted = allowed(row.lease, row.till, n) end
    count(metric, row, counted)
    if counted < n then plus(hour, metric .. '.lapsed' .. row.place, n - counted) end
    if row.kind == IMPRESSION then count('v', row, waited_for(row, counted)) end
  end
end
-- Last, as it is known by now which impressions count.
for _, row in ipairs(rows) do
  if row.kind == VIEWABLE and row.fresh > 0 then
    local counted = with_impression(row)
    count('v', row, counted)
    if counted < row.fresh then plus(hour, 'w' .. row.place, row.fresh - counted) end
  elseif row.kind == CLICK and row.other > 0 then
    plus(hour, 'u' .. row.place, row.other)
    if unmatched_clicks == 'dry_run' then plus(hour, 'C.unmatched' .. row.place, row.other) end
  end
  if row.taken > 0 then plus(hour, METRICS[row.kind] .. '.duplicate' .. row.place, row.taken) end
end

local answer = {ARGV[2]}
for at, name in ipairs(hour.names) do answer[at + 1] = name .. ' ' .. hour.counts[at] .. '\n' end
for name, n in string.gmatch(ARGV[8], '(%S+) (%d+)\n') do
  plus(hour, name, tonumber(n))
  local served = string.match(name, '^s:(%d+):')
  if served then total('s', served, tonumber(n)) end
end
add(KEYS[2], hour)
add(KEYS[3], totals)
call('ZADD', KEYS[4], ARGV[5], ARGV[4])

if next(touched) then
  local change, changed = call('INCR', KEYS[6]), {}
  for creative in pairs(touched) do
    changed[#changed + 1] = change
    changed[#changed + 1] = creative
  end
  for first = 1, #changed, FIELDS do
    call('ZADD', KEYS[5], unpack(changed, first, math.min(first + FIELDS - 1, #changed)))
  end
end
local says = table.concat(answer)
call('SET', KEYS[1], says, 'EX', life)
return says
