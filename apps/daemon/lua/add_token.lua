-- A new token of a user. Only its digest is kept. The same id twice is the same token sent twice.
-- Answers with the id and what the token was made of beside its idempotency key: with the key it can be made again, for as long as
-- the key is remembered; without, never.
-- ARGV: id, user, name, SHA-256 of the token, expires at (ms since the epoch) or '', what it was made of, idempotency key or '',
--   digest of the body, key's life in s
local id, name, what, digest, expires, seed, idempotency, body, life = unpack(ARGV)
if redis.call('EXISTS', user_key(name)) == 0 then return { 'not_found' } end
if redis.call('EXISTS', token_key(id)) == 1 then return { 'ok', id, seed } end
local before = recalled(idempotency, body)
if before then return { before[1], before[2], redis.call('HGET', idempotency_key(idempotency), 'seed') } end
redis.call('HSET', token_key(id), 'id', id, 'user', name, 'name', what, 'digest', digest, 'createdAt', now, 'expiresAt', expires)
redis.call('SADD', user_key(name) .. ':tokens', id)
redis.call('HSET', prefix .. ':digests', digest, id)
if idempotency ~= '' then redis.call('HSET', idempotency_key(idempotency), 'seed', seed) end
remember(idempotency, body, life, id)
return { 'ok', id, seed }
