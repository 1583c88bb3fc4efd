-- Keeps a claim, or, for 0 ms, gives it up.
--
-- KEYS  claim
-- ARGV  1 token of its holder, 2 ms from now on
-- ->    1, or 0 when somebody else has it or nobody
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
