-- A new user. Sent twice (the same `made`), it is the same one.
-- Answers with the name.
-- ARGV: name, role, Unix account or '', a word that only this submission knows, idempotency key or '', digest of the body, key's
--   life in s
local name, role, account, made, idempotency, digest, life = unpack(ARGV)

local its = redis.call('HGET', user_key(name), 'made')
if its == made then return { 'ok', name } end
local before = recalled(idempotency, digest)
if before then return before end
if its then return { 'exists', name } end
write_user(name, role, account, made)
remember(idempotency, digest, life, name)
return { 'ok', name }
