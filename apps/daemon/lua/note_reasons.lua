-- Replaces the reasons for which the jobs of each shape wait. No event: a reason is what the scheduler thinks, not a change.
-- ARGV: leader's epoch, then a shape and its reason (JSON, or '' to take it away) for each that changed
if redis.call('HGET', prefix .. ':leader', 'epoch') ~= ARGV[1] then return { 'not_leading' } end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', prefix .. ':reasons', ARGV[i])
  else redis.call('HSET', prefix .. ':reasons', ARGV[i], ARGV[i + 1]) end
end
return { 'ok' }
