-- A new group of jobs, still empty: its jobs are submitted one by one, with ids that follow from the group's, so that a
-- submission which broke off is completed by sending it again. The same id twice is the same submission sent twice.
-- ARGV: id, name, size, idempotency key or '', digest of the body, key's life in s, how many of its jobs may run at a time or '',
--   user
local id, name, size, idempotency, digest, life, most, user = unpack(ARGV)
local group = prefix .. ':group:' .. id

if redis.call('EXISTS', group) == 1 then return { 'ok', id } end
local before = recalled(idempotency, digest)
if before then return before end
redis.call('HSET', group, 'id', id, 'name', name, 'size', size, 'submittedAt', now, 'maxParallel', most, 'user', user)
remember(idempotency, digest, life, id)
return { 'ok', id }
