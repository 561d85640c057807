-- Write the next generation and move the pointer, unless live has moved since the plan.
-- KEYS: live, the new generation, creatives
-- ARGV: expected live number, how many fields the generation has, then pairs: field, value;
--       then pairs: creative number, what it looks like
-- Returns the number that was live before: the expected one if published, another if not
local live = tonumber(redis.call('GET', KEYS[1]) or '0')
local expected = tonumber(ARGV[1])
if live ~= expected then return live end
local creatives = 3 + 2 * tonumber(ARGV[2])
for i = 3, creatives - 1, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
for i = creatives, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[1], expected + 1)
return expected
