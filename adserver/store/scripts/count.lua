-- Count a batch of events, each once: take its bit, and only if it was free add to its rows.
-- KEYS: counts of the hour, totals, hours, then one bitmap per group of events
-- ARGV: hour's name, hour's beginning (UTC s), life of a bitmap (s), then per group its events,
--       12 bytes each, big-endian: bit (4), creative (4), slot (2), site (1), metric letter (1)
-- Returns one letter per event, in order: a(ccepted), u(nmatched click, counts), d(uplicate)
local EVENT = '>I4I4I2Bc1'
local counts, totals, hours = KEYS[1], KEYS[2], KEYS[3]
local life = ARGV[3]
local add, add_total, answer = {}, {}, {}

local function plus(rows, field)
  rows[field] = (rows[field] or 0) + 1
end

for k = 4, #KEYS do
  local seen, packed = KEYS[k], ARGV[k]
  local take, events = {}, {}
  local bit, creative, slot, site, metric
  local at = 1
  while at <= #packed do
    bit, creative, slot, site, metric, at = struct.unpack(EVENT, packed, at)
    local n = #take
    take[n + 1], take[n + 2], take[n + 3], take[n + 4] = 'SET', 'u1', bit, 1
    events[#events + 1] = {bit, metric, creative .. ':' .. slot .. ':' .. site, creative}
  end
  -- At most 1,000 events a batch, so 4,000 arguments: Lua's stack holds 8,000.
  local was = redis.call('BITFIELD', seen, unpack(take))
  redis.call('EXPIRE', seen, life)
  for e, event in ipairs(events) do
    metric = event[2]
    if was[e] == 1 then
      plus(add, metric .. '.duplicate:' .. event[3])
      answer[#answer + 1] = 'd'
    else
      plus(add, metric .. ':' .. event[3])
      plus(add_total, metric .. ':' .. event[4])
      -- A click's bit is the third of its ticket, the impression's the first.
      if metric == 'c' and redis.call('GETBIT', seen, event[1] - 2) == 0 then
        plus(add, 'u:' .. event[3])
        answer[#answer + 1] = 'u'
      else
        answer[#answer + 1] = 'a'
      end
    end
  end
end

for field, n in pairs(add) do redis.call('HINCRBY', counts, field, n) end
for field, n in pairs(add_total) do redis.call('HINCRBY', totals, field, n) end
redis.call('ZADD', hours, ARGV[2], ARGV[1])
return table.concat(answer)
