-- Lets a schedule run again, or pauses it. Twice changes nothing. What was due meanwhile is not missed: nobody wanted it.
-- ARGV: id, next time (ms since the epoch), or '' to pause it
local id, upcoming = unpack(ARGV)
local schedule = schedule_key(id)

local enabled = redis.call('HGET', schedule, 'enabled')
if not enabled then return { 'not_found' } end
if (enabled == '1') == (upcoming ~= '') then return { 'ok' } end

redis.call('HSET', schedule, 'enabled', upcoming == '' and '0' or '1', 'nextRun', upcoming)
emit_of_schedule('schedule.changed', id)
return { 'ok' }
