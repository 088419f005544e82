-- Changes a user. Twice changes nothing.
-- ARGV: name, then field and value, again and again: role, unixAccount ('': none), disabled ('1' or '')
local user = user_key(ARGV[1])
if redis.call('EXISTS', user) == 0 then return { 'not_found' } end
local changes = false
for i = 2, #ARGV, 2 do changes = changes or redis.call('HGET', user, ARGV[i]) ~= ARGV[i + 1] end
if not changes then return { 'ok' } end
redis.call('HSET', user, unpack(ARGV, 2))
emit_of_user(ARGV[1])
return { 'ok' }
