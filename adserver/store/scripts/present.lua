-- Note that a worker is there, by the store's own clock: a node's may be wrong.
-- KEYS: nodes
-- ARGV: the worker's name, its state as a JSON object without the brace at its end
-- Returns the time (UTC s)
local time = redis.call('TIME')
local now = string.format('%d.%06d', time[1], time[2])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ',"seen_at":' .. now .. '}')
return now
