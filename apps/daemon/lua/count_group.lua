-- How many jobs of a group are in each state. Answers with states and numbers, one after another.
-- ARGV: id
local counts, answer = {}, { 'ok' }
for _, id in ipairs(redis.call('ZRANGE', prefix .. ':group:' .. ARGV[1] .. ':jobs', 0, -1)) do
  local state = redis.call('HGET', job_key(id), 'state')
  if state then counts[state] = (counts[state] or 0) + 1 end
end
for state, count in pairs(counts) do
  answer[#answer + 1] = state
  answer[#answer + 1] = tostring(count)
end
return answer
