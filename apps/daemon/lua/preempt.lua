-- Ends an attempt to make room: the job saves its work and waits again, ahead of its class. Only by the scheduler that
-- leads, and only of a job that allows it. A cancel overrules it.
-- ARGV: leader's epoch, id, attempt, cause (JSON)
local epoch, id, attempt, cause = unpack(ARGV)
local job = job_key(id)

if redis.call('HGET', prefix .. ':leader', 'epoch') ~= epoch then return { 'not_leading' } end
local state, current, stopCause = unpack(redis.call('HMGET', job, 'state', 'attempt', 'stopCause'))
if not state then return { 'not_found' } end
if current ~= attempt then return { 'stale_attempt', current } end
if state == 'stopping' and stopCause == cause then return { 'ok', state } end
if redis.call('HGET', job, 'attempt:' .. attempt .. ':cause') == cause then return { 'ok', state } end
if state ~= 'starting' and state ~= 'running' then return { 'wrong_state', state } end
if not cjson.decode(redis.call('HGET', job, 'spec')).preemptible then return { 'not_preemptible' } end

redis.call('HSET', job, 'stopCause', cause, 'stopState', 'pending')
if end_unclaimed_tasks(job, attempt) == 0 then return { 'ok', end_attempt(job, id, attempt, state, false) } end
begin_stopping(job, id, attempt, state, nil, true)
return { 'ok', 'stopping' }
