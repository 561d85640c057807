-- Add an hour's rows to its day's, and let go of the hour: all of it in one call, and once.
-- KEYS: counts of the hour, daily rows of its day, hours, days
-- ARGV: 1 hour's name, 2 day's name, 3 the day's beginning (UTC s)
-- Returns how many rows there were; 0 where somebody else has folded the hour
local rows = redis.call('HGETALL', KEYS[1])
-- A key of another type would stop us half-way: look at each before the first write.
redis.call('HLEN', KEYS[2]) redis.call('ZCARD', KEYS[3]) redis.call('ZCARD', KEYS[4])
for at = 1, #rows, 2 do redis.call('HINCRBY', KEYS[2], rows[at], rows[at + 1]) end
if #rows > 0 then redis.call('ZADD', KEYS[4], 'LT', ARGV[3], ARGV[2]) end
redis.call('UNLINK', KEYS[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return #rows / 2
