-- A task has ended and no process of it is left. The first rank that fails stops the others; the last one that
-- ends frees the devices and ends the attempt.
-- ARGV: id, attempt, rank, how it ended (JSON), cause (JSON) or '' for success, '1' to try again at no cost
local id, attempt, rank, ending, cause, requeue = unpack(ARGV)
local job = job_key(id)

local state, current = unpack(redis.call('HMGET', job, 'state', 'attempt'))
if not state then return { 'not_found' } end
if current ~= attempt then return { 'stale_attempt', current } end
local field = 'task:' .. attempt .. ':' .. rank
local task = redis.call('HGET', job, field .. ':state')
if task == 'ended' then return { 'ok', state } end
if task ~= 'claimed' and task ~= 'running' then return { 'wrong_state', task or 'absent' } end

redis.call('HSET', job, field .. ':state', 'ended', field .. ':ending', ending)
local open = redis.call('HINCRBY', job, 'attempt:' .. attempt .. ':open', -1)
if cause ~= '' then
  -- Which rank failed first is told by when they ended, not by whose worker was faster.
  local failure, at = 'attempt:' .. attempt .. ':failure', cjson.decode(ending).endedAt
  local earliest = redis.call('HGET', job, failure .. 'At')
  if not earliest and requeue == '1' then redis.call('HSET', job, 'attempt:' .. attempt .. ':requeue', rank) end
  if not earliest or at < tonumber(earliest) then redis.call('HSET', job, failure, cause, failure .. 'At', at) end
  if open > 0 then open = end_unclaimed_tasks(job, attempt) end
end
if open == 0 then
  local again = redis.call('HEXISTS', job, 'attempt:' .. attempt .. ':requeue') == 1
  return { 'ok', end_attempt(job, id, attempt, state, again) }
end
if cause ~= '' and state ~= 'stopping' then
  -- Where a drill ended it the others may still be saving.
  begin_stopping(job, id, attempt, state, rank, cjson.decode(cause).code == 'drill')
  return { 'ok', 'stopping' }
end
emit('task.ended', job, id, attempt, rank)
return { 'ok', state }
