-- Ends a job that runs.
--
-- KEYS  job, chunks, failed, unfinished
-- ARGV  1 id, 2 "completed" or "failed", 3 why it failed, 4 ms that it can still be asked for
local JOB, CHUNKS, FAILED, UNFINISHED = unpack(KEYS)
if redis.call('HGET', JOB, 'state') == 'running' then
  redis.call('HSET', JOB, 'state', ARGV[2], 'bytes', 0)
  if ARGV[3] ~= '' then redis.call('HSET', JOB, 'error', ARGV[3]) end
  redis.call('PEXPIRE', JOB, ARGV[4])
  redis.call('PEXPIRE', FAILED, ARGV[4])
end
redis.call('UNLINK', CHUNKS)
redis.call('ZREM', UNFINISHED, ARGV[1])
return 0
