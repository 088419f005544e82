-- A new token of a user. Only its digest is kept. The same id twice is the same token sent twice.
-- ARGV: id, user, name, SHA-256 of the token, expires at (ms since the epoch) or ''
local id, name, what, digest, expires = unpack(ARGV)
if redis.call('EXISTS', user_key(name)) == 0 then return { 'not_found' } end
if redis.call('EXISTS', token_key(id)) == 1 then return { 'ok' } end
redis.call('HSET', token_key(id), 'id', id, 'user', name, 'name', what, 'digest', digest, 'createdAt', now, 'expiresAt', expires)
redis.call('SADD', user_key(name) .. ':tokens', id)
redis.call('HSET', prefix .. ':digests', digest, id)
return { 'ok' }
