-- Write what slots' histories have become, unless somebody else has learnt meanwhile.
-- KEYS: traffic
-- ARGV: up to where it was learnt before ('' for never), up to where now,
--       then pairs: slot's number, its history
-- Returns 1 if written, 0 where it was learnt up to another hour than was expected
local through = redis.call('HGET', KEYS[1], '#through') or ''
if through ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], '#through', ARGV[2])
return 1
