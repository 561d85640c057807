-- Lift pauses and put others, remove those that are over, and write down who did it.
-- KEYS: pauses, their version, the log
-- ARGV: now (UTC seconds), the new version, the act (JSON), how many acts are kept,
--       how many targets are lifted, these, then pairs: target, pause (JSON)
-- Returns nothing. Sent again, the same act changes nothing: others may have acted since.
local now, lifted = tonumber(ARGV[1]), tonumber(ARGV[5])
for _, act in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], ARGV[1], ARGV[1])) do
  if act == ARGV[3] then return end
end
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  -- What this release cannot read is not for it to remove.
  local read, pause = pcall(cjson.decode, fields[i + 1])
  local ends = read and type(pause) == 'table' and tonumber(pause['until'])
  if ends and ends <= now then redis.call('HDEL', KEYS[1], fields[i]) end
end
for i = 6, 5 + lifted do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = 6 + lifted, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], ARGV[1], ARGV[3])
local beyond = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[4])
if beyond > 0 then
  local old = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '+inf', 'LIMIT', 0, beyond)
  for _, act in ipairs(old) do redis.call('ZREM', KEYS[3], act) end
end
