-- Merge a worker's samples of a slot and a day into those of all: the lowest tags stay.
-- Tags are 14 hexadecimal digits, so that they sort as they are written.
-- KEYS: samples of the slot and day
-- ARGV: 1 life (s), 2 how many to keep at least, 3 requests seen, 4 below: the worker has kept
--       all tags lower than this, then pairs: tag, context
-- Returns below: of all workers, all tags lower than this are kept
local below = redis.call('HGET', KEYS[1], '#below') or ARGV[4]
local lowered = ARGV[4] < below
if lowered then below = ARGV[4] end
for i = 5, #ARGV, 2 do
  if ARGV[i] < below then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('HINCRBY', KEYS[1], '#seen', ARGV[3])

local most = tonumber(ARGV[2])
if lowered or redis.call('HLEN', KEYS[1]) > 2 * most + 2 then
  local fields, tags = redis.call('HGETALL', KEYS[1]), {}
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 1) ~= '#' then tags[#tags + 1] = fields[i] end
  end
  table.sort(tags)
  if #tags > 2 * most and tags[most + 1] < below then below = tags[most + 1] end
  for i = #tags, 1, -1 do
    if tags[i] < below then break end
    redis.call('HDEL', KEYS[1], tags[i])
  end
end
redis.call('HSET', KEYS[1], '#below', below)
redis.call('EXPIRE', KEYS[1], ARGV[1])
return below
