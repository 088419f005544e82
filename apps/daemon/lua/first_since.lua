-- The smallest number of a job that was submitted at a time or later, or none: numbers grow with the time of submission, so
-- halving finds it in as many steps as the count of jobs has binary digits. Changes nothing.
-- ARGV: ms since the epoch
local jobs, low = prefix .. ':jobs', 0
local high = redis.call('ZCARD', jobs)
while low < high do
  local middle = math.floor((low + high) / 2)
  local id = redis.call('ZRANGE', jobs, middle, middle)[1]
  local submitted = tonumber(redis.call('HGET', job_key(id), 'submittedAt') or '0') or 0
  if submitted < tonumber(ARGV[1]) then low = middle + 1 else high = middle end
end
local found = redis.call('ZRANGE', jobs, low, low, 'WITHSCORES')
return { 'ok', found[2] or '' }
