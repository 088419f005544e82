-- A new job, in line. The id is made by the caller: the same id twice is the same submission sent twice.
-- Answers with the id, the place in line and the job's hash; a replay with the first id alone.
-- ARGV: id, name, user, priority, spec (JSON), needs (JSON), shape, idempotency key or '', digest of the body, key's life in s,
--   '1' to hold it, not before (ms since the epoch) or '', '1' to wait for dependencies that failed,
--   group or '', then an id and a condition for each dependency
local id, name, user, priority, spec, needs, shape, idempotency, digest, life, hold, notBefore, mayWait, group = unpack(ARGV)
local job = job_key(id)

local function taken()
  return { 'ok', id, redis.call('ZRANK', prefix .. ':queue', id) or '', unpack(redis.call('HGETALL', job)) }
end
if redis.call('EXISTS', job) == 1 then return taken() end
local remembered = prefix .. ':idempotency:' .. idempotency
if idempotency ~= '' then
  local first, itsDigest = unpack(redis.call('HMGET', remembered, 'job', 'digest'))
  if first and itsDigest == digest then return { 'replayed', first } end
  if first then return { 'idempotency_conflict', first } end
end
local waits = {}
for i = 15, #ARGV, 2 do
  local other, condition = ARGV[i], ARGV[i + 1]
  local state = redis.call('HGET', job_key(other), 'state')
  if not state then return { 'not_found', other } end
  local has_ended = state == 'succeeded' or state == 'failed' or state == 'cancelled'
  if has_ended and not meets(condition, state) and mayWait ~= '1' then return { 'dependency_unmet', other, state } end
  if not has_ended or not meets(condition, state) then waits[#waits + 1] = { other, condition } end
end

local number = redis.call('INCR', prefix .. ':number')
redis.call('HSET', job, 'id', id, 'number', number, 'name', name, 'user', user, 'priority', priority, 'spec', spec,
  'needs', needs, 'shape', shape, 'state', 'pending', 'attempt', 0, 'submittedAt', now)
if hold == '1' then redis.call('HSET', job, 'held', '1') end
if notBefore ~= '' then redis.call('HSET', job, 'notBefore', notBefore) end
if mayWait == '1' then redis.call('HSET', job, 'waitsOn', '1') end
for _, wait in ipairs(waits) do
  redis.call('SADD', prefix .. ':dependants:' .. wait[1], id)
  redis.call('HSET', job, 'after:' .. wait[1], wait[2])
end
if #waits > 0 then redis.call('HSET', job, 'openDependencies', #waits) end
if group ~= '' then redis.call('ZADD', prefix .. ':group:' .. group .. ':jobs', number, id) end
redis.call('HSET', prefix .. ':numbers', number, id)
redis.call('ZADD', prefix .. ':jobs', number, id)
redis.call('ZADD', prefix .. ':state:pending', number, id)
enqueue(job, id)
if idempotency ~= '' then
  redis.call('HSET', remembered, 'job', id, 'digest', digest)
  redis.call('EXPIRE', remembered, life)
end
emit('job.submitted', job, id, nil, nil, waiting_of(job))
return taken()
