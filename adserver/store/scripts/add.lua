-- Add to the rows of an hour, once per (writer, sequence): sending again adds nothing.
-- KEYS: counts of the hour, totals, hours, the writer's ledger
-- ARGV: hour's name, hour's beginning (UTC s), sequence, life of the ledger (s),
--       then pairs: "metric:creative:slot:site", how many
-- Returns 1 if added, 0 if that sequence was added before
if tonumber(ARGV[3]) <= tonumber(redis.call('GET', KEYS[4]) or '0') then return 0 end
redis.call('SET', KEYS[4], ARGV[3], 'EX', ARGV[4])
for i = 5, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
  local metric, creative = string.match(ARGV[i], '^(%a):(%d+):')
  if metric == 's' then redis.call('HINCRBY', KEYS[2], 's:' .. creative, ARGV[i + 1]) end
end
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
return 1
