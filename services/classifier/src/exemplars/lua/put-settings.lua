-- Replaces the settings, if they still are what the caller has seen.
--
-- ARGV  4 settings as they were seen ("": none), 5 new settings
-- ->    {"version": n}; {"changed": true}: look again
if (redis.call('HGET', META, 'settings') or '') ~= ARGV[4] then return '{"changed":true}' end
local version = commit({ type = 'settings-put', settings = ARGV[5] })
redis.call('HSET', META, 'settings', ARGV[5])
return answer({ version = version })
