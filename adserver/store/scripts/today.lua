-- Begin to keep a daily limit: what was counted today already, in the same instant.
-- KEYS: the campaign's leases, then the counts of the day's hours so far
-- ARGV: 1 metric, 2 the day's beginning, 3 its end (UTC s), 4 numbers of the creatives
-- Returns how much of the day is delivered or reserved; nil where somebody else has begun it.
if redis.call('HGET', KEYS[1], 'day') then return false end
local wanted = {}
for creative in string.gmatch(ARGV[4], '%d+') do
  wanted[ARGV[1] .. ':' .. creative .. ':'] = true
end
-- All that is reserved may be confirmed today.
local today = tonumber(redis.call('HGET', KEYS[1], 'reserved') or 0)
for k = 2, #KEYS do
  local rows = redis.call('HGETALL', KEYS[k])
  for at = 1, #rows, 2 do
    if wanted[string.match(rows[at], '^[^:]+:%d+:')] then today = today + tonumber(rows[at + 1]) end
  end
end
redis.call('HSET', KEYS[1], 'day', ARGV[2], 'day_end', ARGV[3], 'today', today)
return today
