-- Removes a schedule; the jobs that came of it stay, and can be listed by it.
-- ARGV: id
if redis.call('DEL', schedule_key(ARGV[1])) == 0 then return { 'not_found' } end
redis.call('ZREM', prefix .. ':schedules', ARGV[1])
emit_of_schedule('schedule.deleted', ARGV[1])
return { 'ok' }
