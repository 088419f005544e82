-- From here on a token opens nothing.
-- ARGV: id
local name = redis.call('HGET', token_key(ARGV[1]), 'user')
if not name then return { 'not_found' } end
forget_token(ARGV[1])
emit_of_user(name, ARGV[1])
return { 'ok' }
