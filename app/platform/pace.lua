-- One take from the bucket of a provider for one batch of pushes. The clock is the server's own, so processes cannot disagree.
-- KEYS: the bucket; the beginning of the names of the counts by device.
-- ARGV: 1 "urgent" or "bulk"; 2 permits a second at full speed; 3 permits that the bucket holds then; 4 the share of the speed
-- after idle; 5 the share of the bucket that is kept for urgent; 6 seconds from idle to full speed; 7 seconds before and after
-- each quarter of an hour in which bulk is dear; 8 how dear; 9 pushes to a device in a minute; 10… the device of each push.
-- Returns how many pushes, from the first on, are decided; the milliseconds until another try pays when none is; those until
-- the provider takes anything at all; those that are left of this minute; then which of the decided may not go, their device
-- being at its limit. All others of the decided may.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local urgent, full, capacity = ARGV[1] == 'urgent', tonumber(ARGV[2]), tonumber(ARGV[3])
local slowest, wanted = full * tonumber(ARGV[4]), #ARGV - 9
local slope = (full - slowest) / tonumber(ARGV[6])
local FEWEST, SMALLEST_S, URGENT_FIRST_S, KEPT_MS = 10, 0.05, 1, 600000

local known = redis.call('HMGET', KEYS[1], 'at', 'tokens', 'speed', 'not_before', 'urgent_until')
local at, tokens, speed = tonumber(known[1] or now), tonumber(known[2] or 0), tonumber(known[3] or slowest)
local held = tonumber(known[4] or 0) - now
local minute_left = math.ceil((60 - now % 60) * 1000)
if held > 0 then
  return {0, 0, math.ceil(held * 1000), minute_left}
end

-- A slow bucket is a small one: what waits after idle does not come all at once.
local function size(of_speed)
  return math.min(capacity, math.max(FEWEST, capacity * of_speed / full))
end
if known[1] then
  -- While the bucket is not full it is being used, and the speed grows; while it is full, nobody needs that much.
  local passed = math.max(0, now - at)
  tokens = tokens + passed * speed
  local idle = math.min(passed, math.max(0, tokens - size(speed)) / speed)
  speed = math.max(slowest, math.min(full, speed + (passed - 2 * idle) * slope))
else
  tokens = size(slowest) / 2  -- new or flushed: how much was sent before is not known
end
tokens = math.min(tokens, size(speed))

local keep, cost, least, until_urgent = 0, 1, 1, tonumber(known[5] or 0)
if not urgent then
  keep = size(speed) * tonumber(ARGV[5])
  local quarter = now % 900
  if math.min(quarter, 900 - quarter) < tonumber(ARGV[7]) then
    cost = math.min(tonumber(ARGV[8]), size(speed) - keep)
  end
  least = math.max(1, math.min(wanted, math.floor(speed * SMALLEST_S), math.floor((size(speed) - keep) / cost)))
end
local able, wait = math.floor((tokens - keep) / cost), 0
if not urgent and until_urgent > now then
  able, wait = 0, until_urgent - now
elseif able < least then
  able, wait = 0, (keep + least * cost - tokens) / speed
end

local decided, granted, reply = 0, 0, {0, math.ceil(wait * 1000), 0, minute_left}
if able > 0 then
  local counts, limit = KEYS[2] .. math.floor(now / 60), tonumber(ARGV[9])
  while decided < wanted and granted < able do
    decided = decided + 1
    local device = ARGV[9 + decided]
    if redis.call('HINCRBY', counts, device, 1) > limit then
      redis.call('HINCRBY', counts, device, -1)
      reply[#reply + 1] = decided
    else
      granted = granted + 1
    end
  end
  redis.call('EXPIRE', counts, 120)
end
reply[1] = decided
if urgent and decided < wanted then
  until_urgent = now + URGENT_FIRST_S
end
redis.call(
  'HSET', KEYS[1], 'at', string.format('%.6f', math.max(now, at)), 'tokens', string.format('%.6f', tokens - granted * cost),
  'speed', string.format('%.6f', speed), 'urgent_until', string.format('%.6f', until_urgent)
)
redis.call('PEXPIRE', KEYS[1], KEPT_MS)
return reply
