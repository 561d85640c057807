-- Give each name its permanent number: the one it has, or the next of its kind.
-- KEYS: numbers; ARGV: names such as "campaign/x" (the kind is what stands before the slash)
-- Returns the numbers, in order
local given = {}
for i, name in ipairs(ARGV) do
  local number = redis.call('HGET', KEYS[1], name)
  if not number then
    number = redis.call('HINCRBY', KEYS[1], '#' .. string.match(name, '^[^/]+'), 1)
    redis.call('HSET', KEYS[1], name, number)
  end
  given[i] = tonumber(number)
end
return given
