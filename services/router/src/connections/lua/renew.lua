-- Enters all leases that a replica holds, those too that have expired or that Redis has lost, and
-- takes out those it no longer holds.
--
-- KEYS[1] replicas  KEYS[2] seen  KEYS[3] waiting  KEYS[4] rebuilding
-- KEYS[5..]         leases of each backend
-- ARGV[1] replica
-- ARGV[2] life of a lease in ms
-- ARGV[3] 0, or when the replica was without Redis: replicas that it last saw
-- ARGV[4..]         of each backend: how many ids follow, ids of the leases held; then, for all
--                   together, ids under way, which are neither entered nor taken out
--
-- Returns { replicas, waiting, count of each backend }

local replicas, seen, waiting, rebuilding = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local replica, leaseMs, returnedFrom = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local expiry = exact(now + leaseMs)

redis.call('ZREMRANGEBYSCORE', replicas, '-inf', exact(now))
-- Nobody else is here: Redis has lost what it knew, or all leases have lapsed. Until everybody can
-- have entered theirs again, newcomers too take only their share.
if returnedFrom > 0 and redis.call('ZCARD', replicas) == 0 then
  redis.call('SET', rebuilding, returnedFrom, 'PX', leaseMs)
end
redis.call('ZADD', replicas, expiry, replica)
redis.call('PEXPIRE', replicas, 2 * leaseMs)
redis.call('ZREMRANGEBYSCORE', seen, '-inf', exact(now - leaseMs))
redis.call('ZADD', seen, exact(now), replica)
redis.call('PEXPIRE', seen, 2 * leaseMs)

local at = 4
local held = {}
for each = 5, #KEYS do
  held[each] = {}
  for offset = 1, tonumber(ARGV[at]) do
    held[each][ARGV[at + offset]] = true
    redis.call('ZADD', KEYS[each], expiry, ARGV[at + offset])
  end
  at = at + 1 + tonumber(ARGV[at])
end
local underWay = {}
for each = at, #ARGV do
  underWay[ARGV[each]] = true
end

local counts = {}
for each = 5, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[each], '-inf', exact(now))
  for _, id in ipairs(redis.call('ZRANGE', KEYS[each], 0, -1)) do
    if ownerOf(id) == replica and not held[each][id] and not underWay[id] then
      redis.call('ZREM', KEYS[each], id)
    end
  end
  redis.call('PEXPIRE', KEYS[each], 2 * leaseMs)
  counts[#counts + 1] = redis.call('ZCARD', KEYS[each])
end
return { redis.call('ZCARD', replicas), redis.call('ZCARD', waiting), unpack(counts) }
