-- Replaces the head of a model, unless the one there is the same or of newer exemplars, or this
-- history is not the one that the caller knows: versions count from somewhere else then.
--
-- ARGV  4 digest of the model, 5 version it was trained on, 6 its bytes, 7 last version that the
--       caller has seen, 8 token of the change that made it
-- ->    {"version": n}, or {}
local token = redis.call('HGET', META, 'last') or ''
if (redis.call('HGET', META, 'version') or '0') ~= ARGV[7] then
  local entry = redis.call('XRANGE', CHANGES, ARGV[7] .. '-0', ARGV[7] .. '-0')[1]
  -- Before the first change every history is the same.
  token = ARGV[7] == '0' and '' or (entry and entry[2][2])
end
if token ~= ARGV[8] then return '{}' end

local trainedOn = tonumber(redis.call('HGET', HEAD, 'trainedOn') or '-1')
if trainedOn > tonumber(ARGV[5]) then return '{}' end
if trainedOn == tonumber(ARGV[5]) and redis.call('HGET', HEAD, 'bytes') == ARGV[6] then return '{}' end
local version = commit({ type = 'head-put', model = ARGV[4] })
redis.call('HSET', HEAD, 'trainedOn', ARGV[5], 'bytes', ARGV[6])
return answer({ version = version })
