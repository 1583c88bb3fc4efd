-- Replaces the head of a model, unless the one there is the same or of newer exemplars.
--
-- ARGV  4 digest of the model, 5 version it was trained on, 6 its bytes
-- ->    {"version": n}, or {}
local trainedOn = tonumber(redis.call('HGET', HEAD, 'trainedOn') or '-1')
if trainedOn > tonumber(ARGV[5]) then return '{}' end
if trainedOn == tonumber(ARGV[5]) and redis.call('HGET', HEAD, 'bytes') == ARGV[6] then return '{}' end
local version = commit({ type = 'head-put', model = ARGV[4] })
redis.call('HSET', HEAD, 'trainedOn', ARGV[5], 'bytes', ARGV[6])
return answer({ version = version })
