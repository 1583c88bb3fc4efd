-- In front of every script that changes something. One change is one run: it checks, appends the
-- change to the stream under the next version, and writes.
--
-- KEYS  meta, texts, places, vectors, listing, intents, head, changes, outcome (redis-keys.ts)
-- ARGV  1 token of this write, 2 changes that the stream keeps, 3 ms that the outcome is kept;
--       those of the verb follow
--
-- A write is sent again when its answer was lost: the outcome that its token left is then the answer.
local META, TEXTS, PLACES, VECTORS, LISTING, INTENTS, HEAD, CHANGES, OUTCOME = unpack(KEYS)

local before = redis.call('GET', OUTCOME)
if before then return before end

-- Refused before the first write when Redis has no memory left or cannot persist.
local function commit(change)
  local version = string.format('%.0f', tonumber(redis.call('HGET', META, 'version') or '0') + 1)
  redis.call(
    'XADD', CHANGES, 'MAXLEN', '~', ARGV[2], version .. '-0',
    'token', ARGV[1],
    'after', redis.call('HGET', META, 'last') or '',
    'change', cjson.encode(change)
  )
  redis.call('HSET', META, 'version', version, 'last', ARGV[1])
  return tonumber(version)
end

local function answer(outcome)
  local text = cjson.encode(outcome)
  redis.call('SET', OUTCOME, text, 'PX', ARGV[3])
  return text
end

-- A place is "<intent>\t<position>".
local function intentOf(place)
  return string.sub(place, 1, string.find(place, '\t', 1, true) - 1)
end
