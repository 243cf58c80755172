-- One decision over several buckets, all or none (GCRA). The clock is the server's own, so processes cannot disagree.
-- KEYS: a bucket each. ARGV: for each bucket, the microseconds between two at the steady rate, and how many may come at once.
-- Returns 0 when it may pass, else the microseconds to wait; a refusal takes nothing.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait, due = 0, {}
for i, key in ipairs(KEYS) do
  local every, at_once = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  due[i] = math.max(tonumber(redis.call('GET', key) or now), now) + every
  wait = math.max(wait, due[i] - now - every * at_once)
end
if wait > 0 then
  return wait
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', due[i]), 'PX', math.ceil((due[i] - now) / 1000))
end
return 0
