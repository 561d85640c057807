-- Note minutes of a day in which ads were served; noting them again changes nothing.
-- KEYS: up
-- ARGV: life (s), then minutes of the day
-- Returns how many
for i = 2, #ARGV do redis.call('BITFIELD', KEYS[1], 'SET', 'u1', ARGV[i], 1) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return #ARGV - 1
