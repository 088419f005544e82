-- Ends a job before its time: at once while it waits, otherwise by asking its workers. Stopping twice changes nothing.
-- ARGV: id, state that it shall end in, cause (JSON), attempt that is meant or '' for whichever it is
local id, stopState, cause, meant = unpack(ARGV)
local job = job_key(id)

local state, attempt = unpack(redis.call('HMGET', job, 'state', 'attempt'))
if not state then return { 'not_found' } end
-- While a job waits its last attempt is over: what concerned that, such as the loss of its device, came too late.
if meant ~= '' and (meant ~= attempt or state == 'pending') then return { 'stale_attempt', attempt } end
if state == 'pending' then
  end_for_good(id, nil, 'pending', stopState, cause)
  return { 'ok', stopState }
end
-- A stop that only makes room for another attempt is overruled; but not by what concerns this attempt alone: it ends anyway.
if state == 'stopping' and redis.call('HEXISTS', job, 'stopCause') == 1 and
  (meant ~= '' or redis.call('HGET', job, 'stopState') ~= 'pending') then return { 'ok', state } end
if state ~= 'starting' and state ~= 'running' and state ~= 'stopping' then return { 'wrong_state', state } end

redis.call('HSET', job, 'stopCause', cause, 'stopState', stopState)
if end_unclaimed_tasks(job, attempt) == 0 then
  return { 'ok', end_attempt(job, id, attempt, state, false) }
end
begin_stopping(job, id, attempt, state)
return { 'ok', 'stopping' }
