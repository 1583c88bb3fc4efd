-- ARGV  4 intent, 5 id
-- ->    {"version": n}, or {} when the intent has no such exemplar
local place = redis.call('HGET', PLACES, ARGV[5])
if not place or intentOf(place) ~= ARGV[4] then return '{}' end
local version = commit({ type = 'exemplar-removed', id = ARGV[5] })
redis.call('ZREM', LISTING, place .. '\t' .. ARGV[5])
for _, key in ipairs({ PLACES, TEXTS, VECTORS }) do redis.call('HDEL', key, ARGV[5]) end
return answer({ version = version })
