-- Gives a pending job the devices of its next attempt. All or nothing, and only by the scheduler that leads.
-- ARGV: leader's epoch, id, attempt, the attempt (JSON: node, devices, tasks, masterPort)
local epoch, id, attempt, description = unpack(ARGV)
local job = job_key(id)

if redis.call('HGET', prefix .. ':leader', 'epoch') ~= epoch then return { 'not_leading' } end
local state, current = unpack(redis.call('HMGET', job, 'state', 'attempt'))
if not state then return { 'not_found' } end
if state == 'starting' and current == attempt and redis.call('HGET', job, 'attempt:' .. attempt) == description then
  return { 'ok' }
end
if state ~= 'pending' then return { 'wrong_state', state } end
if tonumber(current) + 1 ~= tonumber(attempt) then return { 'stale_attempt', current } end
local placed = cjson.decode(description)
for _, device in ipairs(placed.devices) do
  local holder = redis.call('HGET', prefix .. ':allocations', device.uuid)
  if holder then return { 'device_held', device.uuid, holder } end
  if redis.call('HEXISTS', prefix .. ':drains', device.uuid) == 1 or
    redis.call('HEXISTS', prefix .. ':obstacles', device.uuid) == 1 then return { 'device_kept', device.uuid } end
end

for _, device in ipairs(placed.devices) do
  redis.call('HSET', prefix .. ':allocations', device.uuid, id .. ' ' .. attempt)
end
local field = 'attempt:' .. attempt
redis.call('HSET', job, 'attempt', attempt, field, description, field .. ':open', #placed.tasks, field .. ':placedAt', now)
for _, task in ipairs(placed.tasks) do
  redis.call('HSET', job, 'task:' .. attempt .. ':' .. task.rank .. ':state', 'waiting')
end
redis.call('ZREM', prefix .. ':queue', id)
move(job, id, 'pending', 'starting')
emit('job.placed', job, id, attempt, nil, description)
return { 'ok' }
