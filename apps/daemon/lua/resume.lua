-- Gives a device back to scheduling. Resuming one that isn't drained changes nothing.
-- ARGV: UUID
local uuid = ARGV[1]

if redis.call('HEXISTS', prefix .. ':devices', uuid) == 0 then return { 'not_found' } end
if redis.call('HDEL', prefix .. ':drains', uuid) == 1 then emit_of_device('device.resumed', uuid) end
return { 'ok' }
