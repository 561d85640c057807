-- The workers that were there, and what time it is by the clock that says when.
-- KEYS: nodes
-- ARGV: none
-- Returns the time (UTC s), then pairs: name, state as JSON
local time = redis.call('TIME')
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, string.format('%d.%06d', time[1], time[2]))
return answer
