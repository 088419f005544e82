-- Submits the job of one time of a schedule. In one step with what the schedule says of it: so a time that is dealt with twice is
-- one job, and a schedule that was deleted or paused a moment ago starts nothing.
-- Answers as submit does; or with 'skipped', where an earlier job has not ended and the schedule wants no two at once.
-- ARGV: schedule, its time (ms since the epoch), the next time as it was read, or '': somebody wants it now, besides,
--   the time after this one, '1' where jobs may overlap, then the job as take_job reads it
local schedule, at, expected, upcoming, mayOverlap = unpack(ARGV)
local key = schedule_key(schedule)

if redis.call('EXISTS', key) == 0 then return { 'not_found' } end
if expected ~= '' then
  local refused = not_due(schedule, expected)
  if refused then return refused end
  local newest = mayOverlap == '1' and {} or redis.call('ZREVRANGE', key .. ':jobs', 0, 49)
  for _, id in ipairs(newest) do
    local state, number = unpack(redis.call('HMGET', job_key(id), 'state', 'number'))
    if state and id ~= ARGV[6] and state ~= 'succeeded' and state ~= 'failed' and state ~= 'cancelled' then
      skip_run(schedule, at, upcoming, 'overlap', 'job ' .. number .. ' of an earlier time is still ' .. state)
      return { 'ok', 'skipped' }
    end
  end
end

local before = redis.call('EXISTS', job_key(ARGV[6]))
local answer = take_job({ unpack(ARGV, 6) })
if answer[1] ~= 'ok' then return answer end
if expected ~= '' then redis.call('HSET', key, 'nextRun', upcoming) end
if before == 0 then
  redis.call('HINCRBY', key, 'runs', 1)
  redis.call('HSET', key, 'lastRun', cjson.encode({ at = tonumber(at), job = answer[2],
    number = tonumber(redis.call('HGET', job_key(answer[2]), 'number')) }))
  emit_of_schedule('schedule.ran', schedule, answer[2])
end
return answer
