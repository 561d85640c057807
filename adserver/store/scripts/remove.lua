-- Remove files that no kept generation needs, unless one was claimed again since they were found.
-- KEYS: contents, then pairs: the asset, the source of each digest
-- ARGV: the oldest generation whose content is kept, then the digests
-- Returns how many were removed
local removed = 0
for i = 2, #ARGV do
  local needed = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or '')
  if needed and needed < tonumber(ARGV[1]) then
    redis.call('UNLINK', KEYS[2 * i - 2], KEYS[2 * i - 1])
    redis.call('ZREM', KEYS[1], ARGV[i])
    removed = removed + 1
  end
end
return removed
