-- Binds an idempotency key to one call. Twice with the same call changes nothing.
-- ARGV: what the call is, in words, idempotency key, digest of the call, key's life in s
local what, key, digest, life = unpack(ARGV)
local before = recalled(key, digest)
if before then return before end
remember(key, digest, life, what)
return { 'ok' }
