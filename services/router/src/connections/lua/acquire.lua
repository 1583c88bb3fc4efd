-- Chooses a backend with room and takes a lease on it; for a waiter that finds none, joins the lines.
--
-- KEYS[1] replicas  KEYS[2] seen  KEYS[3] waiting  KEYS[4] rebuilding
-- KEYS[5..]         of each candidate, best first: its leases, its line
-- ARGV[1] id of the lease ("replica:number"), also the waiter's
-- ARGV[2] life of a lease in ms
-- ARGV[3] among: of those without a share the least loaded of the first so many, then the rest in order
-- ARGV[4] plus: so many more are counted on each
-- ARGV[5] random number in [0, 1) that breaks ties
-- ARGV[6] 0, or: no more than this replica's share of each capacity, among so many replicas
-- ARGV[7] -1, or for a waiter: microseconds that it has waited
-- ARGV[8] waiters that the pool may have
-- ARGV[9] ms after which a replica that was not seen does not hold up others
-- ARGV[10] channel that wakes waiters
-- ARGV[11] sharing: so many of the first candidates are taken before all others, in order, each unless
--          it carries its share of all leases on the candidates, the new one included
-- ARGV[12] least that a share comes to
-- ARGV[13..]        of each candidate: capacity (-1: no limit), weight; then the share of each that has one
--
-- Returns { outcome, chosen, waiting, count of each candidate }
--   outcome 1: taken, chosen is the candidate's place   0: no room
--          -1: this replica's leases have lapsed, it must tend first   -2: too many wait

local replicas, seen, waiting, rebuilding = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, leaseMs, among = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local plus, random, shareOf = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local waited, maxWaiting = tonumber(ARGV[7]), tonumber(ARGV[8])
local graceMs, channel, sharing = tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])
local leastShare = tonumber(ARGV[12])
local candidates = (#KEYS - 4) / 2
local waits = waited >= 0

local registered = redis.call('ZSCORE', replicas, ownerOf(id))
if not registered or tonumber(registered) <= now then return { -1, 0, 0 } end

local whileRebuilding = redis.call('GET', rebuilding)
if whileRebuilding then shareOf = math.max(shareOf, tonumber(whileRebuilding)) end

local function leasesOf(place) return KEYS[3 + 2 * place] end
local function lineOf(place) return KEYS[4 + 2 * place] end
local function capacityOf(place)
  local capacity = tonumber(ARGV[11 + 2 * place])
  return capacity < 0 and math.huge or capacity
end
local function weightOf(place) return tonumber(ARGV[12 + 2 * place]) end
local function shareOfPlace(place) return tonumber(ARGV[12 + 2 * candidates + place]) end

-- Leases of this replica, those it does not know yet that it got among them.
local function ownOn(place)
  local own = 0
  for _, lease in ipairs(redis.call('ZRANGE', leasesOf(place), 0, -1)) do
    if ownerOf(lease) == ownerOf(id) then own = own + 1 end
  end
  return own
end

local waiters = redis.call('ZCARD', waiting)
if waiters > 0 then isHere(id, seen) end
local somebodyWaits = waiters > 0 and oldest(waiting, waiting, seen, graceMs) ~= nil

-- Waiters that came earlier and want this backend too; a slot is left for each of them.
local function ahead(place)
  if not somebodyWaits or not oldest(lineOf(place), waiting, seen, graceMs) then return 0 end
  local rank = waits and redis.call('ZRANK', lineOf(place), id)
  return rank or redis.call('ZCARD', lineOf(place))
end

local counts = {}
local function hasRoom(place)
  local capacity = capacityOf(place)
  if capacity == math.huge then return true end
  if shareOf > 0 and ownOn(place) >= math.max(1, math.floor(capacity / shareOf)) then
    return false
  end
  return counts[place] < capacity and counts[place] + ahead(place) < capacity
end

local total = 1
for place = 1, candidates do
  counts[place] = inFlight(leasesOf(place))
  total = total + counts[place]
end

local chosen
for place = 1, sharing do
  -- A little less: products such as 1.25 * 0.2 * 4 are off by that much.
  local most = math.max(leastShare, math.ceil(shareOfPlace(place) * total - 1e-9))
  if counts[place] < most and hasRoom(place) then
    chosen = place
    break
  end
end

local tied, least = {}, math.huge
for place = sharing + 1, chosen and 0 or math.min(sharing + among, candidates) do
  if hasRoom(place) then
    local load = (counts[place] + plus) / weightOf(place)
    if load < least then
      tied, least = { place }, load
    elseif load == least then
      tied[#tied + 1] = place
    end
  end
end
chosen = chosen or tied[1 + math.floor(random * #tied)]
local place = sharing + among + 1
while not chosen and place <= candidates do
  if hasRoom(place) then chosen = place end
  place = place + 1
end
place = 1
while not chosen and place <= sharing do
  if hasRoom(place) then chosen = place end
  place = place + 1
end

if chosen then
  redis.call('ZADD', leasesOf(chosen), exact(now + leaseMs), id)
  -- Renewals keep the key of leases that are there.
  if counts[chosen] == 0 then redis.call('PEXPIRE', leasesOf(chosen), 2 * leaseMs) end
  counts[chosen] = counts[chosen] + 1
  if waits then
    redis.call('ZREM', waiting, id)
    for each = 1, candidates do
      redis.call('ZREM', lineOf(each), id)
    end
    -- It may have stood before others who now can take what is left.
    for each = 1, candidates do
      wake(lineOf(each), capacityOf(each) - counts[each], waiting, seen, graceMs, channel)
    end
  end
elseif waits then
  if not redis.call('ZSCORE', waiting, id) then
    if redis.call('ZCARD', waiting) >= maxWaiting then
      return { -2, 0, redis.call('ZCARD', waiting), unpack(counts) }
    end
  end
  local since = exact(nowMicros - waited)
  redis.call('ZADD', waiting, 'NX', since, id)
  redis.call('PEXPIRE', waiting, 60000)
  for each = 1, candidates do
    redis.call('ZADD', lineOf(each), 'NX', since, id)
    redis.call('PEXPIRE', lineOf(each), 60000)
  end
end

if waits or waiters > 0 then waiters = redis.call('ZCARD', waiting) end
return { chosen and 1 or 0, chosen or 0, waiters, unpack(counts) }
