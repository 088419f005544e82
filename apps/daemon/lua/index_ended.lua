-- Puts jobs that an older version has ended into the index of when jobs ended.
-- ARGV: ids
for _, id in ipairs(ARGV) do
  local endedAt = redis.call('HGET', job_key(id), 'endedAt')
  if endedAt then redis.call('ZADD', prefix .. ':ended', endedAt, id) end
end
return { 'ok' }
