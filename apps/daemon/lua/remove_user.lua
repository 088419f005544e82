-- Removes a user with all their tokens. Their jobs stay.
-- ARGV: name
local user = user_key(ARGV[1])
if redis.call('EXISTS', user) == 0 then return { 'not_found' } end
for _, id in ipairs(redis.call('SMEMBERS', user .. ':tokens')) do forget_token(id) end
redis.call('DEL', user, user .. ':tokens')
redis.call('SREM', prefix .. ':users', ARGV[1])
emit_of_user(ARGV[1])
return { 'ok' }
