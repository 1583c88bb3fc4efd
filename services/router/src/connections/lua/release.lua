-- Gives a lease back and wakes the oldest waiter for its backend. A second release finds nothing.
--
-- KEYS[1] seen  KEYS[2] waiting  KEYS[3] leases of the backend  KEYS[4] line of the backend
-- ARGV[1] id of the lease
-- ARGV[2] ms after which a replica that was not seen does not hold up others
-- ARGV[3] channel that wakes waiters
--
-- Returns the leases on the backend.

local seen, waiting, leases, line = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

redis.call('ZREM', leases, ARGV[1])
local head = redis.call('ZCARD', line) > 0 and oldest(line, waiting, seen, tonumber(ARGV[2]))
if head then redis.call('PUBLISH', ARGV[3], head) end
return inFlight(leases)
