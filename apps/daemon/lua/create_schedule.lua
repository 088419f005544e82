-- A new schedule. The same id twice is the same schedule sent twice.
-- Answers with the id; a replay with the first id.
-- ARGV: id, name, plan (JSON: what never changes), next time (ms since the epoch) or '': paused, idempotency key or '', digest of
--   the body, key's life in s
local id, name, plan, upcoming, idempotency, digest, life = unpack(ARGV)
local schedule = schedule_key(id)

if redis.call('EXISTS', schedule) == 1 then return { 'ok', id } end
local before = recalled(idempotency, digest)
if before then return before end

redis.call('HSET', schedule, 'id', id, 'name', name, 'plan', plan, 'createdAt', now, 'runs', 0,
  'enabled', upcoming == '' and '0' or '1', 'nextRun', upcoming)
redis.call('ZADD', prefix .. ':schedules', now, id)
emit_of_schedule('schedule.created', id)
remember(idempotency, digest, life, id)
return { 'ok', id }
