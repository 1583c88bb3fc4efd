-- Makes a job that was accepted stay, and run.
--
-- KEYS  job, chunks
-- ->    number of its chunks, or -1 when there is no such job or it has ended
local JOB, CHUNKS = unpack(KEYS)
local state = redis.call('HGET', JOB, 'state')
if state ~= 'queued' and state ~= 'running' then return -1 end
redis.call('HSET', JOB, 'state', 'running')
redis.call('PERSIST', JOB)
redis.call('PERSIST', CHUNKS)
return tonumber(redis.call('HGET', JOB, 'chunks'))
