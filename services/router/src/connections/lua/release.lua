-- Gives a lease back and wakes the oldest waiters for its backend. A second release finds nothing.
--
-- KEYS[1] seen  KEYS[2] waiting  KEYS[3] leases of the backend  KEYS[4] line of the backend
-- ARGV[1] id of the lease
-- ARGV[2] capacity of the backend, -1: no limit
-- ARGV[3] ms after which a replica that was not seen does not hold up others
-- ARGV[4] channel that wakes waiters
--
-- Returns the leases on the backend.

local seen, waiting, leases, line = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local capacity = tonumber(ARGV[2])

redis.call('ZREM', leases, ARGV[1])
local count = inFlight(leases)
local free = capacity < 0 and math.huge or capacity - count
wake(line, free, waiting, seen, tonumber(ARGV[3]), ARGV[4])
return count
