-- Write the next generation and move the pointer, unless live has moved since the plan.
-- KEYS: live, the new generation, creatives, numbers, pauses, the pauses' version
-- ARGV: expected live number, how many fields the generation has, how many names are moved, how
--       many pauses are put, their new version,
--       then pairs: field, value;
--       then triples: a name, the name that takes its number over, the number;
--       then pairs: target, pause (JSON);
--       then pairs: creative number, what it looks like
-- Returns the number that was live before: the expected one if published, another if not. Whoever
-- has lost the answer sends the same again: it is published once, and the answer is the same.
local live = tonumber(redis.call('GET', KEYS[1]) or '0')
local expected = tonumber(ARGV[1])
local moved = 6 + 2 * tonumber(ARGV[2])
if live ~= expected then
  -- Ours is live, or was since, if all is as we have it: also the microsecond and the author. The
  -- commit may have been noted since.
  for i = 6, moved - 1, 2 do
    local same = redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1]
    if not same and ARGV[i] ~= 'commit' then return live end
  end
  return live > expected and expected or live
end
local pauses = moved + 3 * tonumber(ARGV[3])
local creatives = pauses + 2 * tonumber(ARGV[4])
for i = 6, moved - 1, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
-- All old names go first: one may be the new name of another.
for i = moved, pauses - 1, 3 do redis.call('HDEL', KEYS[4], ARGV[i]) end
for i = moved, pauses - 1, 3 do redis.call('HSET', KEYS[4], ARGV[i + 1], ARGV[i + 2]) end
for i = pauses, creatives - 1, 2 do redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1]) end
if creatives > pauses then redis.call('SET', KEYS[6], ARGV[5]) end
for i = creatives, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[1], expected + 1)
return expected
