-- Found a store that is empty, or was emptied: its identity, and the signing keys of its nodes.
-- Changes nothing where both are there, so that it can be asked of a store that refuses writes.
-- KEYS: signing keys, identity
-- ARGV: the identity that it gets if it has none,
--       then pairs: fingerprint, when and by whom it was added; written only if none is known
-- Returns the identity, then pairs: fingerprint, when and by whom
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[2], ARGV[1]) end
if redis.call('EXISTS', KEYS[1]) == 0 then
  for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, redis.call('GET', KEYS[2]))
return answer
