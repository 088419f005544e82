-- Changes a job that hasn't ended. The caller has read it; what it read must still be so.
-- ARGV: id, spec, priority and state as read, spec as it shall be, priority, needs (JSON), shape
local id, read, readPriority, readState, spec, priority, needs, shape = unpack(ARGV)
local job = job_key(id)

local state, current, currentPriority = unpack(redis.call('HMGET', job, 'state', 'spec', 'priority'))
if not state then return { 'not_found' } end
if state == 'succeeded' or state == 'failed' or state == 'cancelled' then return { 'wrong_state', state } end
if current ~= read or currentPriority ~= readPriority or state ~= readState then return { 'changed_meanwhile' } end

redis.call('HSET', job, 'spec', spec, 'priority', priority, 'needs', needs, 'shape', shape)
if state == 'pending' then changed(job, id)
else
  for _, task in ipairs(attempt_of(job, redis.call('HGET', job, 'attempt')).tasks) do
    redis.call('PUBLISH', prefix .. ':control:' .. task.devices[1], 'limits ' .. id)
  end
  emit('job.changed', job, id, redis.call('HGET', job, 'attempt'))
end
return { 'ok' }
