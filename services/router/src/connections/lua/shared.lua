-- Goes before every other script. Redis runs a script as one atomic step.

local clock = redis.call('TIME')
-- Milliseconds and microseconds of Redis, the one clock by which leases expire.
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local nowMicros = clock[1] * 1000000 + clock[2]

-- Numbers of more than 14 digits, which tostring would round.
local function exact(number)
  return string.format('%.0f', number)
end

-- Leases on a backend that have not expired.
local function inFlight(leases)
  return redis.call('ZCOUNT', leases, '(' .. exact(now), '+inf')
end

-- The replica of a lease or a waiter: what stands before the colon of its id.
local function ownerOf(id)
  return string.match(id, '^[^:]*')
end

-- The oldest waiter of a line. Waiters of replicas that were not seen for graceMs are dropped: they
-- are dead or paused, and a paused one takes its place again when it goes on.
local function oldest(line, waiting, seen, graceMs)
  while true do
    local first = redis.call('ZRANGE', line, 0, 0)[1]
    if not first then return nil end
    local at = redis.call('ZSCORE', seen, ownerOf(first))
    if at and tonumber(at) >= now - graceMs then return first end
    redis.call('ZREM', line, first)
    redis.call('ZREM', waiting, first)
  end
end

-- Tells the first waiters of a line, one for each free slot, that their turn may have come. At most
-- so many: those who get a slot wake the next.
local MOST_WOKEN = 8
local woken = {}
local function wake(line, free, waiting, seen, graceMs, channel)
  if free < 1 or not oldest(line, waiting, seen, graceMs) then return end
  for _, id in ipairs(redis.call('ZRANGE', line, 0, math.min(free, MOST_WOKEN) - 1)) do
    if not woken[id] then redis.call('PUBLISH', channel, id) end
    woken[id] = true
  end
end
