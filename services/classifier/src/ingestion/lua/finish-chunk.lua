-- Counts a chunk of a running job, once.
--
-- KEYS  job, chunks, failed
-- ARGV  1 number of the chunk, 2 rejected lines that are kept, 3 version of the exemplars with the
--       chunk in them, 4 done, 5 added, 6 duplicates, 7 rejected, then line and error of each
--       rejected one
-- ->    chunks that are left
local JOB, CHUNKS, FAILED = unpack(KEYS)
local bytes = redis.call('HSTRLEN', CHUNKS, ARGV[1])
if redis.call('HDEL', CHUNKS, ARGV[1]) == 1 and redis.call('HGET', JOB, 'state') == 'running' then
  redis.call('HINCRBY', JOB, 'bytes', -bytes)
  if tonumber(ARGV[3]) > tonumber(redis.call('HGET', JOB, 'version') or '0') then
    redis.call('HSET', JOB, 'version', ARGV[3])
  end
  for index, field in ipairs({ 'done', 'added', 'duplicates', 'rejected' }) do
    redis.call('HINCRBY', JOB, field, ARGV[3 + index])
  end
  for at = 8, #ARGV, 2 do redis.call('ZADD', FAILED, ARGV[at], ARGV[at] .. '\t' .. ARGV[at + 1]) end
  redis.call('ZREMRANGEBYRANK', FAILED, ARGV[2], -1)
end
return redis.call('HLEN', CHUNKS)
