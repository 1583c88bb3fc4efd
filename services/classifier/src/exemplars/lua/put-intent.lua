-- Creates or replaces the record of an intent, if it still is what the caller has seen.
--
-- ARGV  4 most intents there may be, 5 name, 6 record as it was seen ("": none), 7 new record
-- ->    {"version": n}; {"refused": true}: too many intents; {"changed": true}: look again
local seen = redis.call('HGET', INTENTS, ARGV[5])
if (seen or '') ~= ARGV[6] then return '{"changed":true}' end
if not seen and redis.call('HLEN', INTENTS) >= tonumber(ARGV[4]) then return '{"refused":true}' end
local version = commit({ type = 'intent-put', name = ARGV[5], record = ARGV[7] })
redis.call('HSET', INTENTS, ARGV[5], ARGV[7])
return answer({ version = version })
