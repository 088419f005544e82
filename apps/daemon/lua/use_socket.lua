-- Who has come by the unix socket as an account of this host: the user of its name, made at the first time where that is wanted.
-- Answers with their role and Unix account.
-- ARGV: name, '1' to make one, the Unix account of one that is made or ''
local name, make, account = unpack(ARGV)
if redis.call('EXISTS', user_key(name)) == 0 then
  if make ~= '1' then return { 'not_found' } end
  write_user(name, 'user', account, 'socket')
end
local role, its, disabled = unpack(redis.call('HMGET', user_key(name), 'role', 'unixAccount', 'disabled'))
if disabled == '1' then return { 'disabled', name } end
return { 'ok', role, its }
