-- When generations were published, and how heavy they are.
-- KEYS: generations; ARGV: none
-- Returns for each: created_at ('' where there is none), bytes
local told = {}
for i, key in ipairs(KEYS) do
  told[2 * i - 1] = redis.call('HGET', key, 'created_at') or ''
  told[2 * i] = redis.call('HSTRLEN', key, 'body') + redis.call('HSTRLEN', key, 'files')
    + redis.call('HSTRLEN', key, 'diff')
end
return told
