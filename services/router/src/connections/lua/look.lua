-- Says that a replica is there, and how things stand.
--
-- KEYS[1] replicas  KEYS[2] seen  KEYS[3] waiting
-- KEYS[4..]         leases of each backend
-- ARGV[1] replica
--
-- Returns { replicas, or -1 when this one's leases have lapsed; waiting; count of each backend }

local replicas, seen, waiting = KEYS[1], KEYS[2], KEYS[3]

redis.call('ZADD', seen, exact(now), ARGV[1])
local registered = redis.call('ZSCORE', replicas, ARGV[1])
local alive = redis.call('ZCOUNT', replicas, '(' .. exact(now), '+inf')
local counts = {}
for each = 4, #KEYS do
  counts[#counts + 1] = inFlight(KEYS[each])
end
local lapsed = not registered or tonumber(registered) <= now
return { lapsed and -1 or alive, redis.call('ZCARD', waiting), unpack(counts) }
