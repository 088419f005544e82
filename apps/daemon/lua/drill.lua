-- Has a running job's checkpoint signal sent to it, to see what it makes of it. Its workers write that down (signalled.lua).
-- While a drill runs, another one joins it. Answers with the attempt and with when the drill began (ms since the epoch), as one text.
-- ARGV: id, how long a drill may take beyond the job's grace period, in ms, idempotency key or '', digest of the call, key's life in s
local id, margin, idempotency, digest, life = unpack(ARGV)
local job = job_key(id)

local state, attempt, json = unpack(redis.call('HMGET', job, 'state', 'attempt', 'spec'))
if not state then return { 'not_found' } end
local before = recalled(idempotency, digest)
if before then return before end
if state ~= 'running' then return { 'wrong_state', state } end
if not checkpoint_signal(job) then return { 'no_checkpoint_signal' } end

local field = 'attempt:' .. attempt .. ':drill'
local last = redis.call('HGET', job, field)
local tasks = attempt_of(job, attempt).tasks
if last and tonumber(last) + cjson.decode(json).gracePeriod * 1000 + margin > now then
  for _, task in ipairs(tasks) do
    local of = 'task:' .. attempt .. ':' .. task.rank
    if redis.call('HGET', job, of .. ':state') == 'running' and redis.call('HEXISTS', job, of .. ':drill') == 0 then
      remember(idempotency, digest, life, attempt .. ' ' .. last)
      return { 'ok', attempt .. ' ' .. last }
    end
  end
end
redis.call('HSET', job, field, now)
for _, task in ipairs(tasks) do redis.call('HDEL', job, 'task:' .. attempt .. ':' .. task.rank .. ':drill') end
tell_workers(job, id, attempt, 'drill')
emit('job.drilled', job, id, attempt)
local begun = string.format('%s %.0f', attempt, now)
remember(idempotency, digest, life, begun)
return { 'ok', begun }
