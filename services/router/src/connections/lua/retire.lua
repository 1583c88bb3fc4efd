-- Takes out everything of a replica that stops, and wakes those it stood before.
--
-- KEYS[1] replicas  KEYS[2] seen  KEYS[3] waiting
-- KEYS[4..]         of each backend: its leases, its line
-- ARGV[1] replica
-- ARGV[2] ms after which a replica that was not seen does not hold up others
-- ARGV[3] channel that wakes waiters
--
-- Returns how many leases were left.

local replicas, seen, waiting = KEYS[1], KEYS[2], KEYS[3]
local left = 0

redis.call('ZREM', replicas, ARGV[1])
redis.call('ZREM', seen, ARGV[1])
for each = 3, #KEYS do
  for _, id in ipairs(redis.call('ZRANGE', KEYS[each], 0, -1)) do
    if ownerOf(id) == ARGV[1] then
      redis.call('ZREM', KEYS[each], id)
      if each % 2 == 0 then left = left + 1 end
    end
  end
end
for line = 5, #KEYS, 2 do
  wake(KEYS[line], MOST_WOKEN, waiting, seen, tonumber(ARGV[2]), ARGV[3])
end
return left
