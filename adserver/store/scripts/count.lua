-- Count what a journal ships, once: only where its ledger says what comes before.
-- KEYS: ledger, counts of the hour, totals, hours, changes, change, then the bitmaps
-- ARGV: 1 what the ledger must say, 2 what it says then ("sequence digest" and a newline each),
--       3 life of ledger and bitmaps (s), 4 hour's name, 5 its beginning (UTC s),
--       6 events, 16 bytes each, big-endian: writer 4, block 2, place 2, kind 1, site 1, slot 2,
--         creative 4,
--       7 writer and block of each bitmap (6 bytes), in the order of their keys,
--       8 tallies, lines of "metric:creative:slot:site count"
-- Returns what the ledger says: ARGV[2] if it was applied, followed by lines of what the events
-- added; then also if it had been applied before and nothing since.
local EVENT, BITMAP, FIRST = 16, 6, 7
local METRICS = {[0] = 'i', [1] = 'v', [2] = 'c'}

local said = redis.call('GET', KEYS[1]) or '0 0\n'
if string.sub(said, 1, #ARGV[1]) ~= ARGV[1] then return said end

-- A key of another type would stop us half-way: look at each before the first write.
redis.call('HLEN', KEYS[2]) redis.call('HLEN', KEYS[3]) redis.call('ZCARD', KEYS[4])
redis.call('ZCARD', KEYS[5]) redis.call('STRLEN', KEYS[6])
for k = FIRST, #KEYS do redis.call('STRLEN', KEYS[k]) end

local life, events, bitmaps = ARGV[3], ARGV[6], ARGV[7]
local add, touched = {}, {}
local function plus(rows, field, n) rows[field] = (rows[field] or 0) + n end

-- Which events lie in which bitmap, in the order of their arrival.
local takes, rows = {}, {}
local group_of = {}
for k = FIRST, #KEYS do
  local at = (k - FIRST) * BITMAP
  takes[k], rows[k] = {}, {}
  group_of[string.sub(bitmaps, at + 1, at + BITMAP)] = k
end
for at = 1, #events, EVENT do
  local k = group_of[string.sub(events, at, at + BITMAP - 1)]
  local place, kind = struct.unpack('>I2B', events, at + BITMAP)
  local take, n = takes[k], #takes[k]
  -- At most 1,000 events a call, so 4,000 arguments: Lua's stack holds 8,000.
  take[n + 1], take[n + 2], take[n + 3], take[n + 4] = 'SET', 'u1', place * 3 + kind, 1
  local row = rows[k]
  row[#row + 1] = string.sub(events, at + 8, at + 15)  -- kind, site, slot, creative
end

-- Take the bits; what was free counts, what was taken is a duplicate.
local fresh, taken, unmatched = {}, {}, {}
for k = FIRST, #KEYS do
  local take, row = takes[k], rows[k]
  local was = redis.call('BITFIELD', KEYS[k], unpack(take))
  redis.call('EXPIRE', KEYS[k], life)
  for e = 1, #row do
    if was[e] == 1 then
      plus(taken, row[e], 1)
    else
      plus(fresh, row[e], 1)
      -- A click's bit is the third of its ticket, the impression's the first.
      if string.byte(row[e]) == 2 and redis.call('GETBIT', KEYS[k], take[e * 4 - 1] - 2) == 0 then
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
for row, n in pairs(fresh) do
  local kind, site, slot, creative = struct.unpack('>BBI2I4', row)
  plus(add, field(METRICS[kind], site, slot, creative), n)
  total(METRICS[kind], string.format('%d', creative), n)
end
for row, n in pairs(taken) do
  local kind, site, slot, creative = struct.unpack('>BBI2I4', row)
  plus(add, field(METRICS[kind] .. '.duplicate', site, slot, creative), n)
end
for row, n in pairs(unmatched) do
  local _, site, slot, creative = struct.unpack('>BBI2I4', row)
  plus(add, field('u', site, slot, creative), n)
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
