-- Nobody sends before: a provider asked to wait. KEYS: the bucket. ARGV: 1 milliseconds from now; 2 the channel that tells
-- whoever holds permits already.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local known = tonumber(redis.call('HGET', KEYS[1], 'not_before') or 0)
redis.call('HSET', KEYS[1], 'not_before', string.format('%.6f', math.max(known, now + ARGV[1] / 1000)))
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), 600000 + ARGV[1]))
redis.call('PUBLISH', ARGV[2], ARGV[1])
