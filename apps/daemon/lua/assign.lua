-- Gives a pending job the devices of its next attempt. All or nothing, and only by the scheduler that leads.
-- ARGV: leader's epoch, id, attempt, the attempt (JSON: node, devices, tasks, masterPort, gpus, share)
local epoch, id, attempt, description = unpack(ARGV)
local job = job_key(id)

if redis.call('HGET', prefix .. ':leader', 'epoch') ~= epoch then return { 'not_leading' } end
local state, current = unpack(redis.call('HMGET', job, 'state', 'attempt'))
if not state then return { 'not_found' } end
if state == 'starting' and current == attempt and redis.call('HGET', job, 'attempt:' .. attempt) == description then
  return { 'ok', redis.call('HGET', job, 'attempt:' .. attempt .. ':placedAt') }
end
if state ~= 'pending' then return { 'wrong_state', state } end
if tonumber(current) + 1 ~= tonumber(attempt) then return { 'stale_attempt', current } end
-- The scheduler may not have heard of a hold yet.
if is_kept_back(job) then return { 'not_in_line' } end
local placed = cjson.decode(description)
if placed.share == cjson.null then placed.share = nil end
for _, device in ipairs(placed.devices) do
  local holders, bytes, shared = holders_of(device.uuid)
  local has_room = #holders == 0 or (shared and placed.share and bytes + placed.share.bytes <= placed.share.of)
  if not has_room then return { 'device_held', device.uuid, holders[1].job } end
  if redis.call('HEXISTS', prefix .. ':drains', device.uuid) == 1 or
    redis.call('HEXISTS', prefix .. ':obstacles', device.uuid) == 1 then return { 'device_kept', device.uuid } end
end

for _, device in ipairs(placed.devices) do
  local holders = holders_of(device.uuid)
  holders[#holders + 1] = { job = id, attempt = attempt, bytes = placed.share and placed.share.bytes }
  write_holders(device.uuid, holders)
end
local field = 'attempt:' .. attempt
redis.call('HSET', job, 'attempt', attempt, field, description, field .. ':open', #placed.tasks, field .. ':placedAt', now)
for _, task in ipairs(placed.tasks) do
  redis.call('HSET', job, 'task:' .. attempt .. ':' .. task.rank .. ':state', 'waiting')
end
redis.call('ZREM', prefix .. ':queue', id)
move(job, id, 'pending', 'starting')
emit('job.placed', job, id, attempt)
return { 'ok', tostring(now) }
