-- Write the next generation and move the pointer, unless live has moved since the plan.
-- KEYS: live, the new generation, creatives
-- ARGV: expected live number, body, created_at, author, message, diff, version,
--       then pairs: creative number, what it looks like
-- Returns the number that was live before: the expected one if published, another if not
local live = tonumber(redis.call('GET', KEYS[1]) or '0')
local expected = tonumber(ARGV[1])
if live ~= expected then return live end
redis.call('HSET', KEYS[2], 'body', ARGV[2], 'created_at', ARGV[3], 'author', ARGV[4],
  'message', ARGV[5], 'diff', ARGV[6], 'version', ARGV[7])
for i = 8, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[1], expected + 1)
return expected
