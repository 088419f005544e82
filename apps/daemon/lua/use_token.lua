-- Who a token belongs to. Notes that it was used, to the minute: no more than one write a minute.
-- Answers with the token's id, when it expires or '', and the user's name, role and Unix account.
-- ARGV: SHA-256 of the token
local id = redis.call('HGET', prefix .. ':digests', ARGV[1])
if not id then return { 'not_found' } end
local token = token_key(id)
local name, expires, used = unpack(redis.call('HMGET', token, 'user', 'expiresAt', 'lastUsedAt'))
if expires ~= '' and tonumber(expires) <= now then return { 'expired', name } end
local role, account, disabled = unpack(redis.call('HMGET', user_key(name), 'role', 'unixAccount', 'disabled'))
if disabled == '1' then return { 'disabled', name } end
local minute = now - now % 60000
if tonumber(used or '0') < minute then redis.call('HSET', token, 'lastUsedAt', string.format('%.0f', minute)) end
return { 'ok', id, expires, name, role, account }
