-- Write down which Git commit the live generation is, unless live has moved since somebody looked.
-- KEYS: live, the generation
-- ARGV: its number, the commit
-- Returns nothing
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('HSET', KEYS[2], 'commit', ARGV[2]) end
