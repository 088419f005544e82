-- A new job, in line. The id is made by the caller: the same id twice is the same submission sent twice.
-- Answers with the id, the place in line and the job's hash; a replay with the first id alone.
-- ARGV: id, name, user, priority, spec (JSON), needs (JSON), shape, idempotency key or '', digest of the body, key's life in s
local id, name, user, priority, spec, needs, shape, idempotency, digest, life = unpack(ARGV)
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

local number = redis.call('INCR', prefix .. ':number')
redis.call('HSET', job, 'id', id, 'number', number, 'name', name, 'user', user, 'priority', priority, 'spec', spec,
  'needs', needs, 'shape', shape, 'state', 'pending', 'attempt', 0, 'submittedAt', now)
redis.call('HSET', prefix .. ':numbers', number, id)
redis.call('ZADD', prefix .. ':jobs', number, id)
redis.call('ZADD', prefix .. ':state:pending', number, id)
enqueue(job, id)
if idempotency ~= '' then
  redis.call('HSET', remembered, 'job', id, 'digest', digest)
  redis.call('EXPIRE', remembered, life)
end
emit('job.submitted', job, id, nil, nil, needs)
return taken()
