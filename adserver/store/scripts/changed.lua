-- Totals of the creatives that changed since the change that the caller has seen.
-- KEYS: change, changes, totals
-- ARGV: 1 the number of the last change seen, 2 how many creatives to tell of (more only where
--       one change is of more), 3… the metrics to tell
-- Returns the number of the last change told of, the number of the last one that there is, then
-- for each creative its number and the count of each metric; none where there is nothing behind
-- what was seen, or the store itself has not come that far.
local MOST_FIELDS = 2000  -- of one HMGET: Lua's stack holds 8,000

local said = redis.call('GET', KEYS[1]) or '0'
if tonumber(said) <= tonumber(ARGV[1]) then return {said, said} end

local most = tonumber(ARGV[2])
local found = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES',
  'LIMIT', 0, most)
local creatives, told = {}, said
for at = 1, #found, 2 do creatives[#creatives + 1] = found[at] end
if #creatives == most then
  -- The limit may lie inside a change: the next call asks behind it, so it is told whole.
  told = found[#found]
  local known = {}
  for at = #found - 1, 1, -2 do
    if found[at + 1] ~= told then break end
    known[found[at]] = true
  end
  for _, creative in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], told, told)) do
    if not known[creative] then creatives[#creatives + 1] = creative end
  end
end

local answer, metrics = {told, said}, #ARGV - 2
local step = math.floor(MOST_FIELDS / metrics)
for first = 1, #creatives, step do
  local last = math.min(first + step - 1, #creatives)
  local fields = {}
  for n = first, last do
    for metric = 3, #ARGV do fields[#fields + 1] = ARGV[metric] .. ':' .. creatives[n] end
  end
  local counts = redis.call('HMGET', KEYS[3], unpack(fields))
  for n = first, last do
    answer[#answer + 1] = creatives[n]
    for metric = 1, metrics do
      answer[#answer + 1] = counts[(n - first) * metrics + metric] or 0
    end
  end
end
return answer
