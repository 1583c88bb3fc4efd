-- Takes a waiter out of the lines, and wakes those who now are first.
--
-- KEYS[1] seen  KEYS[2] waiting  KEYS[3..] lines that it is in
-- ARGV[1] id of the waiter
-- ARGV[2] ms after which a replica that was not seen does not hold up others
-- ARGV[3] channel that wakes waiters
--
-- Returns the waiters of the pool.

local seen, waiting = KEYS[1], KEYS[2]

redis.call('ZREM', waiting, ARGV[1])
for each = 3, #KEYS do
  local wasFirst = redis.call('ZRANK', KEYS[each], ARGV[1]) == 0
  redis.call('ZREM', KEYS[each], ARGV[1])
  if wasFirst then wake(KEYS[each], 1, waiting, seen, tonumber(ARGV[2]), ARGV[3]) end
end
return redis.call('ZCARD', waiting)
