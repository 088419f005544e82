-- Keeps a pending job from starting, or lets it go again. Twice changes nothing.
-- ARGV: id, '1' to hold it, '' to release it
local id, hold = unpack(ARGV)
local job = job_key(id)

local state, held = unpack(redis.call('HMGET', job, 'state', 'held'))
if not state then return { 'not_found' } end
if state ~= 'pending' then return { 'wrong_state', state } end
if (held ~= false) == (hold == '1') then return { 'ok' } end

if hold == '1' then redis.call('HSET', job, 'held', '1') else redis.call('HDEL', job, 'held') end
changed(job, id)
return { 'ok' }
