-- Adds exemplars, or moves them to another intent; the rules are those of plan-addition.ts.
--
-- ARGV  4 most intents there may be, 5 "move" or "reject", then id, intent, text and vector of each
-- ->    {"verdicts": [...], "version": n}, a verdict being 1: added, 0: duplicate, or the intent that
--       holds the text; without "version" when nothing was added; {"refused": true}: too many intents
local verdicts, named, added = {}, {}, {}
for at = 6, #ARGV, 4 do
  local id, intent = ARGV[at], ARGV[at + 1]
  local place = redis.call('HGET', PLACES, id)
  local heldBy = named[id] or (place and intentOf(place)) or nil
  if heldBy == intent then
    verdicts[#verdicts + 1] = 0
    named[id] = intent
  elseif heldBy and (ARGV[5] ~= 'move' or named[id]) then
    verdicts[#verdicts + 1] = heldBy
  else
    verdicts[#verdicts + 1] = 1
    named[id] = intent
    added[#added + 1] = { at = at, place = place }
  end
end
if #added == 0 then return answer({ verdicts = verdicts }) end

local records, met, fresh = {}, {}, {}
for _, one in ipairs(added) do
  local intent = ARGV[one.at + 1]
  if not met[intent] then
    met[intent] = true
    local record = redis.call('HGET', INTENTS, intent)
    if not record then
      record = '{"description":"","threshold":null}'
      fresh[#fresh + 1] = { intent, record }
    end
    records[#records + 1] = { intent, record }
  end
end
if #fresh > 0 and redis.call('HLEN', INTENTS) + #fresh > tonumber(ARGV[4]) then
  return '{"refused":true}'
end

local exemplars = {}
for index, one in ipairs(added) do exemplars[index] = { ARGV[one.at], ARGV[one.at + 1] } end
local version = commit({ type = 'exemplars-added', exemplars = exemplars, intents = records })

for _, intent in ipairs(fresh) do redis.call('HSET', INTENTS, intent[1], intent[2]) end
for index, one in ipairs(added) do
  local id = ARGV[one.at]
  if one.place then redis.call('ZREM', LISTING, one.place .. '\t' .. id) end
  local place = string.format('%s\t%016.0f.%06d', ARGV[one.at + 1], version, index - 1)
  redis.call('HSET', PLACES, id, place)
  redis.call('ZADD', LISTING, 0, place .. '\t' .. id)
  redis.call('HSETNX', TEXTS, id, ARGV[one.at + 2])
  redis.call('HSETNX', VECTORS, id, ARGV[one.at + 3])
end
return answer({ verdicts = verdicts, version = version })
