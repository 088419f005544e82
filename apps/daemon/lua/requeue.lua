-- Gives a job a new attempt: at once where it has ended, otherwise when what runs has saved its work, if it can, and been
-- stopped. Its age is kept.
-- ARGV: id, why (JSON cause) for an attempt that runs, idempotency key or '', digest of the call, key's life in s
local id, cause, idempotency, digest, life = unpack(ARGV)
local job = job_key(id)

local state, attempt, stopState = unpack(redis.call('HMGET', job, 'state', 'attempt', 'stopState'))
if not state then return { 'not_found' } end
local before = recalled(idempotency, digest)
if before then return before[1] == 'replayed' and { 'ok', state } or before end
if state == 'stopping' and stopState == 'pending' then return { 'ok', state } end
if state == 'pending' or state == 'stopping' then return { 'wrong_state', state } end
if redis.call('HEXISTS', job, 'codeRemovedAt') == 1 then return { 'code_removed' } end
remember(idempotency, digest, life, id)
if state == 'starting' or state == 'running' then
  redis.call('HSET', job, 'stopCause', cause, 'stopState', 'pending')
  redis.call('HDEL', job, 'front')
  if end_unclaimed_tasks(job, attempt) == 0 then return { 'ok', end_attempt(job, id, attempt, state, false) } end
  begin_stopping(job, id, attempt, state, nil, checkpoint_signal(job))
  return { 'ok', 'stopping' }
end
redis.call('HDEL', job, 'notBefore', 'avoid', 'retries', 'front')
-- What it waited for when it ended may have ended too, and nobody told it; what hasn't, or not as it should, is waited for.
local open = 0
for _, dependency in ipairs(cjson.decode(redis.call('HGET', job, 'spec')).after or {}) do
  local other, field = dependency.job, 'after:' .. dependency.job
  local condition, reached = redis.call('HGET', job, field), redis.call('HGET', job_key(other), 'state')
  if condition and reached and not (has_ended(reached) and meets(condition, reached)) then
    open = open + 1
    redis.call('SADD', prefix .. ':dependants:' .. other, id)
  elseif condition then
    redis.call('HDEL', job, field)
  end
end
if open > 0 then redis.call('HSET', job, 'openDependencies', open) else redis.call('HDEL', job, 'openDependencies') end
requeue(job, id, attempt, state)
return { 'ok', 'pending' }
