-- Removes a job that has ended, and all that the ledger has of it but the events that are still on the stream. Its files are
-- noted to be removed after that.
-- ARGV: id, when it ended as the caller has read it (ms since the epoch)
local id, expected = unpack(ARGV)
local job = job_key(id)

local number, state, endedAt, attempts, spec, idempotency =
  unpack(redis.call('HMGET', job, 'number', 'state', 'endedAt', 'attempt', 'spec', 'idempotency'))
if not state then return { 'ok' } end
if not endedAt then return { 'wrong_state', state } end
if endedAt ~= expected then return { 'changed_meanwhile', endedAt } end
local dependants = prefix .. ':dependants:' .. id
for _, other in ipairs(redis.call('SMEMBERS', dependants)) do
  local its, condition = unpack(redis.call('HMGET', job_key(other), 'state', 'after:' .. id))
  if its == 'pending' and condition then return { 'depended_on', other } end
end

for _, field in ipairs(redis.call('HKEYS', job)) do
  local other = string.match(field, '^after:(.+)$')
  if other then redis.call('SREM', prefix .. ':dependants:' .. other, id) end
end
redis.call('DEL', dependants)
redis.call('ZREM', prefix .. ':jobs', id)
redis.call('ZREM', prefix .. ':state:' .. state, id)
redis.call('ZREM', prefix .. ':ended', id)
redis.call('ZREM', prefix .. ':jobUse', id)
for attempt = 1, tonumber(attempts) or 0 do redis.call('ZREM', prefix .. ':stays', id .. ' ' .. attempt) end
redis.call('HDEL', prefix .. ':numbers', number)
local its = readable(spec)
if type(its.group) == 'table' then
  local group = prefix .. ':group:' .. its.group.id
  redis.call('ZREM', group .. ':jobs', id)
  if redis.call('EXISTS', group .. ':jobs') == 0 then
    redis.call('DEL', group)
    redis.call('SADD', prefix .. ':removals', its.group.id)
  end
elseif code_owner(its) then
  redis.call('SADD', prefix .. ':removals', code_owner(its))
end
if type(its.schedule) == 'table' then redis.call('ZREM', prefix .. ':schedule:' .. its.schedule.id .. ':jobs', id) end
local remembered = idempotency_key(idempotency or '')
if redis.call('HGET', remembered, 'made') == id then redis.call('DEL', remembered) end
redis.call('DEL', job)
redis.call('SADD', prefix .. ':removals', id)
return { 'ok' }
