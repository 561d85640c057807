-- Count a batch of events, each once: take its bit, and only if it was free add to its rows.
-- KEYS: counts of the hour, totals, hours, then one bitmap per group of events
-- ARGV: hour's name, hour's beginning (UTC s), life of a bitmap (s), then per group:
--       how many events, then for each: bit, metric letter, "creative:slot:site", creative
-- Returns one letter per event, in order: a(ccepted), u(nmatched click, counts), d(uplicate)
local counts, totals, hours = KEYS[1], KEYS[2], KEYS[3]
local life = ARGV[3]
local add, add_total, answer = {}, {}, {}
local at = 4

local function plus(rows, field)
  rows[field] = (rows[field] or 0) + 1
end

for k = 4, #KEYS do
  local seen, events = KEYS[k], tonumber(ARGV[at])
  local first = at + 1
  local take = {}
  for e = 0, events - 1 do
    local n = #take
    take[n + 1], take[n + 2], take[n + 3], take[n + 4] = 'SET', 'u1', ARGV[first + e * 4], 1
  end
  -- At most 1,000 events a batch, so 4,000 arguments: Lua's stack holds 8,000.
  local was = redis.call('BITFIELD', seen, unpack(take))
  redis.call('EXPIRE', seen, life)
  for e = 0, events - 1 do
    local bit, metric = ARGV[first + e * 4], ARGV[first + e * 4 + 1]
    local row, creative = ARGV[first + e * 4 + 2], ARGV[first + e * 4 + 3]
    if was[e + 1] == 1 then
      plus(add, metric .. '.duplicate:' .. row)
      answer[#answer + 1] = 'd'
    else
      plus(add, metric .. ':' .. row)
      plus(add_total, metric .. ':' .. creative)
      -- A click's bit is the third of its ticket, the impression's the first.
      if metric == 'c' and redis.call('GETBIT', seen, tonumber(bit) - 2) == 0 then
        plus(add, 'u:' .. row)
        answer[#answer + 1] = 'u'
      else
        answer[#answer + 1] = 'a'
      end
    end
  end
  at = first + events * 4
end

for field, n in pairs(add) do redis.call('HINCRBY', counts, field, n) end
for field, n in pairs(add_total) do redis.call('HINCRBY', totals, field, n) end
redis.call('ZADD', hours, ARGV[2], ARGV[1])
return table.concat(answer)
