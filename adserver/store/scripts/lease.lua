-- Lease room of campaigns with limits to a worker, and take back what has lapsed.
-- What is leased, and why nothing is counted beyond a limit, is told in core/leases.py.
-- KEYS: fence, through, heard, totals, then the leases of each campaign that is asked for, then
--       the ledger of each journal that is spoken for
-- ARGV: 1 the time (UTC s), "" for the store's own, 2 life of leases (s),
--       3 how many campaigns, then for each: generation, metric, limit ever, limit a day,
--         the day's beginning and end (UTC s), numbers of its creatives, wanted, rate (a second),
--         what is given back ("until n,…"), patience (s) near the limit,
--       then for each journal: name, what its ledger is known to say (sequence), through (UTC s),
--         1 if nothing more will come of it
-- Returns the time (UTC ms), how many workers there are, then for each campaign: granted (-1:
-- `today.lua` has to be called first), until, serve until, free ever, free today (-1: no limit),
-- delivered, reserved, impressions
local MARGIN = 2        -- s beyond which clocks of one worker and of the store never differ
local MOST_SILENT = 300 -- s in which a journal that nobody speaks for holds room back
local GAP = 2           -- s; longer without any call, the store was away, and nobody was silent
local FAR, NEAR = 600, 45  -- s that a reader has at least, to see what was served; near, up to FAR
local WIDE, NARROW = 60, 10  -- s in which a lease is to be served
local NEAR_SHARE, NEAR_ROOM = 0.01, 200  -- of a limit, or so much room, is near it in any case
local ROUND, ROUND_NEAR = 30, 5
local DAY_GUARD = 2     -- s around midnight in which clocks may not agree on the day
local FIELDS, SOURCE, HEAD = 11, 4, 3

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end
local life, campaigns = ARGV[2], tonumber(ARGV[3])
local FENCE, THROUGH, HEARD, TOTALS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- A clock that stands still while nobody calls: who could not speak was not silent.
local called = tonumber(redis.call('HGET', FENCE, 'called') or now)
local clock = tonumber(redis.call('HGET', FENCE, 'clock') or 0)
clock = clock + math.max(0, math.min(now - called, GAP))
redis.call('HSET', FENCE, 'called', string.format('%.3f', now), 'clock', string.format('%.3f', clock))

local first = HEAD + campaigns * FIELDS
for s = 1, (#ARGV - first) / SOURCE do
  local at = first + (s - 1) * SOURCE
  local name, sequence, through, done = unpack(ARGV, at + 1, at + SOURCE)
  local said = string.match(redis.call('GET', KEYS[4 + campaigns + s]) or '0', '^%d+')
  redis.call('ZADD', HEARD, clock, name)
  if tonumber(said) < tonumber(sequence) then
    redis.call('ZADD', THROUGH, 'NX', 0, name)  -- the store has rolled back: it is sent again
  elseif done == '1' then
    redis.call('ZREM', THROUGH, name)
    redis.call('ZREM', HEARD, name)
  else
    redis.call('ZADD', THROUGH, 'GT', through, name)
  end
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', HEARD, '-inf', clock - MOST_SILENT)) do
  redis.call('ZREM', THROUGH, name)
  redis.call('ZREM', HEARD, name)
end
-- Whatever was accepted for room that lapsed before this is in the store.
local least = redis.call('ZRANGEBYSCORE', THROUGH, '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
local horizon = math.min(now, tonumber(least or now)) - MARGIN
local workers = math.max(1, redis.call('ZCARD', THROUGH))

local function number(text) return tonumber(text or 0) end

local function read(key)
  local found, pairs_ = {}, redis.call('HGETALL', key)
  for at = 1, #pairs_, 2 do found[pairs_[at]] = pairs_[at + 1] end
  return found
end

-- Room that is not served or not confirmed is free again.
local function take_back(key, lease, till, n)
  n = math.min(n, number(lease[till]))
  if n <= 0 then return end
  lease[till] = number(lease[till]) - n
  lease.reserved = number(lease.reserved) - n
  redis.call('HINCRBY', key, till, -n)
  redis.call('HINCRBY', key, 'reserved', -n)
  local at = tonumber(till)
  if lease.day and at > tonumber(lease.day) and at <= tonumber(lease.day_end) then
    lease.today = number(lease.today) - n
    redis.call('HINCRBY', key, 'today', -n)
  end
end

local function follow(key, lease, generation, metric, ever, a_day, creatives)
  if lease.generation and tonumber(generation) <= tonumber(lease.generation) then return end
  lease.generation, lease.metric, lease.creatives = generation, metric, creatives
  lease.ever, lease.a_day = ever, a_day
  redis.call('HSET', key, 'generation', generation, 'metric', metric, 'ever', ever,
    'a_day', a_day, 'creatives', creatives)
  if number(a_day) == 0 then redis.call('HDEL', key, 'day', 'day_end', 'today') lease.day = nil end
end

local function begin_day(key, lease, day, day_end)
  if lease.day and tonumber(day) >= tonumber(lease.day_end) and now >= tonumber(day) then
    lease.day, lease.day_end, lease.today = day, day_end, 0
    redis.call('HSET', key, 'day', day, 'day_end', day_end, 'today', 0)
  end
end

local function delivered(lease, metric)
  local sum = 0
  for creative in string.gmatch(lease.creatives, '%d+') do
    sum = sum + number(redis.call('HGET', TOTALS, metric .. ':' .. creative))
  end
  return sum
end

local function up(seconds, step) return math.ceil(seconds / step) * step end

-- When room that is granted now lapses, and until when it is to be served.
local function times(lease, free, limit, rate, patience)
  local soon = free / math.max(rate * workers, 1e-9) < 2 * (FAR + WIDE)
  local far = not soon and free > math.max(NEAR_SHARE * limit, NEAR_ROOM)
  local wait = far and FAR or math.max(NEAR, math.min(FAR, patience))
  local till = far and up(now + wait + WIDE, ROUND) or up(now + wait + NARROW, ROUND_NEAR)
  local serve = till - wait
  if lease.day and number(lease.a_day) > 0 then
    till = math.min(till, tonumber(lease.day_end) - DAY_GUARD)
    serve = math.min(serve, till - DAY_GUARD)
  end
  return till, serve
end

local answer = {string.format('%d', now * 1000), workers}
local function say(...)
  for _, value in ipairs({...}) do answer[#answer + 1] = string.format('%d', value) end
end

for c = 1, campaigns do
  local key, at = KEYS[4 + c], HEAD + (c - 1) * FIELDS
  local generation, metric, ever, a_day, day, day_end, creatives, wanted, rate, back, patience =
    unpack(ARGV, at + 1, at + FIELDS)
  local lease = read(key)
  follow(key, lease, generation, metric, ever, a_day, creatives)
  begin_day(key, lease, day, day_end)
  for till, n in string.gmatch(back, '(%d+) (%d+)') do take_back(key, lease, till, tonumber(n)) end
  for field in pairs(lease) do
    local till = tonumber(field)
    if till and till <= horizon then
      take_back(key, lease, field, number(lease[field]))
      redis.call('HDEL', key, field)
    end
  end
  local counted, reserved = delivered(lease, lease.metric), number(lease.reserved)
  local free, today = -1, -1
  local least_free, limit = math.huge, 0
  if number(lease.ever) > 0 then
    free = math.max(0, tonumber(lease.ever) - counted - reserved)
    least_free, limit = free, tonumber(lease.ever)
  end
  local granted, till, serve = 0, 0, 0
  if number(lease.a_day) > 0 then
    if lease.day then
      local of_today = now >= tonumber(lease.day) + DAY_GUARD and now < tonumber(lease.day_end)
      today = math.max(0, tonumber(lease.a_day) - number(lease.today))
      if today < least_free then least_free, limit = today, tonumber(lease.a_day) end
      if not of_today then least_free = 0 end
    else
      granted, least_free = -1, 0
    end
  end
  if least_free > 0 and number(wanted) > 0 then
    till, serve = times(lease, least_free, limit, number(rate), number(patience))
    if serve > now then
      granted = math.min(number(wanted), math.max(1, math.floor(least_free / (2 * workers))))
    end
  end
  if granted > 0 then
    redis.call('HINCRBY', key, string.format('%d', till), granted)
    redis.call('HINCRBY', key, 'reserved', granted)
    if lease.day then redis.call('HINCRBY', key, 'today', granted) end
    if free >= 0 then free = free - granted end
    if today >= 0 then today = today - granted end
    reserved = reserved + granted
  end
  redis.call('EXPIRE', key, life)
  local shown = lease.metric == 'i' and counted or delivered(lease, 'i')
  say(granted, till, serve, free, today, counted, reserved, shown)
end
redis.call('EXPIRE', FENCE, life) redis.call('EXPIRE', THROUGH, life)
redis.call('EXPIRE', HEARD, life)
return answer
