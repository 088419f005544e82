-- Reads, in one step, all that an export can't read one after another: the jobs that have changed since it began with their groups, and
-- what there is little of.
-- Answers with 'ok', then a key without the prefix and what it holds (JSON) in turn.
-- ARGV: the newest event when the export began, then the groups that it knows of
local since = ARGV[1]
local answer = { 'ok' }

-- The stream keeps so many events only.
if since ~= '0-0' and #redis.call('XRANGE', prefix .. ':events', since, since) == 0 then
  return { 'changed_meanwhile', since }
end

local function hash_of(key)
  local fields, flat = {}, redis.call('HGETALL', prefix .. ':' .. key)
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end

local function add(key, value)
  if next(value) == nil then return end
  answer[#answer + 1] = key
  answer[#answer + 1] = cjson.encode(value)
end

local groups, jobs = {}, {}
for i = 2, #ARGV do groups[ARGV[i]] = true end
for _, event in ipairs(redis.call('XRANGE', prefix .. ':events', '(' .. since, '+')) do
  for i = 1, #event[2], 2 do
    if event[2][i] == 'job' then jobs[event[2][i + 1]] = true end
  end
end
for id in pairs(jobs) do
  local job = hash_of('job:' .. id)
  local spec = readable(job.spec)
  if type(spec.group) == 'table' then groups[spec.group.id] = true end
  add('job:' .. id, job)
end
for id in pairs(groups) do add('group:' .. id, hash_of('group:' .. id)) end
for _, id in ipairs(redis.call('ZRANGE', prefix .. ':schedules', 0, -1)) do add('schedule:' .. id, hash_of('schedule:' .. id)) end
for _, name in ipairs(redis.call('SMEMBERS', prefix .. ':users')) do add('user:' .. name, hash_of('user:' .. name)) end
for _, id in ipairs(redis.call('HVALS', prefix .. ':digests')) do add('token:' .. id, hash_of('token:' .. id)) end
for _, total in ipairs({ 'usage', 'lastUsed', 'deviceUse', 'activity', 'peaks', 'drains', 'xids', 'restarts' }) do add(total, hash_of(total)) end
local uses, flat = {}, redis.call('ZRANGE', prefix .. ':jobUse', 0, -1, 'WITHSCORES')
for i = 1, #flat, 2 do uses[flat[i]] = flat[i + 1] end
add('jobUse', uses)
answer[#answer + 1] = 'number'
answer[#answer + 1] = cjson.encode(redis.call('GET', prefix .. ':number') or '0')
return answer
