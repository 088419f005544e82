-- Sets the next time of a schedule anew, because the clock was set.
-- ARGV: id, the next time as it was read, the next time by the clock as it is now
local id, expected, upcoming = unpack(ARGV)

local refused = not_due(id, expected)
if refused then return refused end
redis.call('HSET', schedule_key(id), 'nextRun', upcoming)
emit_of_schedule('schedule.changed', id)
return { 'ok' }
