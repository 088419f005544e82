-- A claimed task's process runs, as its start record says. Also written down while the job is being stopped.
-- Answers with the job's state; where it is stopping and to save its work first, also with '1'.
-- ARGV: id, attempt, rank, process id, start (ms since the epoch)
local id, attempt, rank, pid, startedAt = unpack(ARGV)
local job = job_key(id)

local state, current = unpack(redis.call('HMGET', job, 'state', 'attempt'))
if not state then return { 'not_found' } end
if current ~= attempt then return { 'stale_attempt', current } end
local field = 'task:' .. attempt .. ':' .. rank
local task = redis.call('HGET', job, field .. ':state')
if task == 'running' then return { 'ok', state, redis.call('HGET', job, 'saving') or '' } end
if task ~= 'claimed' then return { 'wrong_state', task or 'absent' } end

redis.call('HSET', job, field .. ':state', 'running', field .. ':pid', pid, field .. ':startedAt', startedAt)
redis.call('HSETNX', job, 'attempt:' .. attempt .. ':startedAt', startedAt)
redis.call('HSETNX', job, 'startedAt', startedAt)
if state == 'starting' then
  state = 'running'
  move(job, id, 'starting', state)
end
emit('task.started', job, id, attempt, rank)
return { 'ok', state, redis.call('HGET', job, 'saving') or '' }
