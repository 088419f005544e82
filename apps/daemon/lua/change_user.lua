-- Changes a user. Twice changes nothing.
-- ARGV: name, then field and value, again and again: role, unixAccount ('': none), disabled ('1' or '')
local user = user_key(ARGV[1])
if redis.call('EXISTS', user) == 0 then return { 'not_found' } end
redis.call('HSET', user, unpack(ARGV, 2))
return { 'ok' }
