-- A new user. Sent twice (the same `made`), it is the same one.
-- ARGV: name, role, Unix account or '', a word that only this submission knows
local name, role, account, made = unpack(ARGV)
local user = user_key(name)

local before = redis.call('HGET', user, 'made')
if before == made then return { 'ok' } end
if before then return { 'exists', name } end
write_user(name, role, account, made)
return { 'ok' }
