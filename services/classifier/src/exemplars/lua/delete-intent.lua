-- Deletes an intent with its exemplars.
--
-- ARGV  4 name
-- ->    {"version": n}, or {} when there is no such intent
if redis.call('HEXISTS', INTENTS, ARGV[4]) == 0 then return '{}' end
local version = commit({ type = 'intent-deleted', name = ARGV[4] })
redis.call('HDEL', INTENTS, ARGV[4])
local from, to = '[' .. ARGV[4] .. '\t', '(' .. ARGV[4] .. '\n'
local AT_ONCE = 1000 -- unpack takes about 8000
while true do
  local members = redis.call('ZRANGEBYLEX', LISTING, from, to, 'LIMIT', 0, AT_ONCE)
  if #members == 0 then break end
  local ids = {}
  for index, member in ipairs(members) do ids[index] = string.match(member, '[^\t]*$') end
  for _, key in ipairs({ PLACES, TEXTS, VECTORS }) do redis.call('HDEL', key, unpack(ids)) end
  redis.call('ZREM', LISTING, unpack(members))
end
return answer({ version = version })
