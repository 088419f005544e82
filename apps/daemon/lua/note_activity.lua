-- Adds what was seen of devices that jobs held, in GPU-seconds: watched, and idle of these. Who sends the same twice (by its mark)
-- adds it once.
-- ARGV: mark, then job, user, device, watched and idle for each that was seen
local mark = ARGV[1]
local activity = prefix .. ':activity'

if redis.call('HGET', activity, 'mark') == mark then return { 'ok' } end
redis.call('HSET', activity, 'mark', mark)
for i = 2, #ARGV, 5 do
  local id, user, device = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  for place, what in pairs({ [3] = 'watched', [4] = 'idle' }) do
    local seconds = ARGV[i + place]
    if redis.call('EXISTS', job_key(id)) == 1 then redis.call('HINCRBYFLOAT', job_key(id), what, seconds) end
    redis.call('HINCRBYFLOAT', activity, 'user ' .. user .. ' ' .. what, seconds)
    redis.call('HINCRBYFLOAT', activity, 'device ' .. device .. ' ' .. what, seconds)
  end
end
return { 'ok' }
