-- From here on a token opens nothing.
-- ARGV: id
if redis.call('EXISTS', token_key(ARGV[1])) == 0 then return { 'not_found' } end
forget_token(ARGV[1])
return { 'ok' }
