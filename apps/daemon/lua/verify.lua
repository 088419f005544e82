-- Compares a job, user, token, schedule (each one that can be read) or device with the indexes that should name it, and where
-- asked puts right what follows from itself. In one step: so a daemon may be at work meanwhile.
-- Answers with 'ok', then a sentence for each thing that is off and '1' where it was put right, or ''.
-- ARGV: what it is, its id, '1' to repair, then an index and the member of it that names it, or nothing
local kind, id, repair, index, member = unpack(ARGV)
local answer = { 'ok' }

local function off(sentence, mend)
  local mends = repair == '1' and mend ~= nil
  if mends then mend() end
  answer[#answer + 1] = sentence
  answer[#answer + 1] = mends and '1' or ''
end

local function short(key)
  return string.sub(key, #prefix + 2)
end

-- An index that has to name it: a sorted set with a score, a hash with a value, or a set. `optional`: it may.
local function entry(type, key, its, value, optional)
  return { type = type, key = prefix .. ':' .. key, member = its, value = value, optional = optional }
end

local function is_there(e)
  if e.type == 'zset' then return redis.call('ZSCORE', e.key, e.member) ~= false end
  if e.type == 'set' then return redis.call('SISMEMBER', e.key, e.member) == 1 end
  return redis.call('HGET', e.key, e.member) == e.value
end

local function put(e)
  if e.type == 'zset' then redis.call('ZADD', e.key, e.value, e.member)
  elseif e.type == 'set' then redis.call('SADD', e.key, e.member)
  else redis.call('HSET', e.key, e.member, e.value) end
end

-- Whether an index names it now: since it was read the thing may have moved on.
local function names(key, its)
  local type = redis.call('TYPE', key).ok
  if type == 'zset' then return redis.call('ZSCORE', key, its) ~= false end
  if type == 'set' then return redis.call('SISMEMBER', key, its) == 1 end
  return redis.call('HGET', key, its) == id
end

local function take_out(key, its)
  local type = redis.call('TYPE', key).ok
  redis.call(({ zset = 'ZREM', set = 'SREM', hash = 'HDEL' })[type], key, its)
end

local function holds(state)
  return state == 'starting' or state == 'running' or state == 'stopping'
end

local function indexes_of_job(job, fields, spec)
  local found = {
    entry('zset', 'jobs', id, fields.number),
    entry('hash', 'numbers', fields.number, id),
    entry('zset', 'state:' .. fields.state, id, fields.number),
    entry('zset', 'jobUse', id, 0, true),
  }
  local function more(e) found[#found + 1] = e end
  if has_ended(fields.state) then more(entry('zset', 'ended', id, fields.endedAt)) end
  if fields.state == 'pending' and not fields.held and tonumber(fields.openDependencies or '0') == 0 then
    local line = entry('zset', 'queue', id)
    line.put = function() enqueue(job, id) end
    more(line)
  end
  for attempt = 1, tonumber(fields.attempt) do
    local endedAt = fields['attempt:' .. attempt .. ':endedAt']
    if endedAt then more(entry('zset', 'stays', id .. ' ' .. attempt, endedAt)) end
  end
  for field in pairs(fields) do
    local other = string.match(field, '^after:(.+)$')
    -- One that ended since another had not as it should keeps saying what it waited for.
    if other then more(entry('set', 'dependants:' .. other, id, nil, fields.state ~= 'pending')) end
  end
  if type(spec.group) == 'table' then more(entry('zset', 'group:' .. spec.group.id .. ':jobs', id, fields.number)) end
  if type(spec.schedule) == 'table' then
    more(entry('zset', 'schedule:' .. spec.schedule.id .. ':jobs', id, fields.number))
  end
  return found
end

-- What of a job must agree with itself, and with who holds its devices.
local function verify_job(job, fields)
  local counter = tonumber(redis.call('GET', prefix .. ':number') or '0')
  if counter < tonumber(fields.number) then
    off('has number ' .. fields.number .. ', but they are counted up to ' .. counter, function()
      redis.call('SET', prefix .. ':number', fields.number)
    end)
  end
  local open = 0
  for field in pairs(fields) do
    local other = string.match(field, '^after:(.+)$')
    if other then
      open = open + 1
      if fields.state == 'pending' and redis.call('EXISTS', job_key(other)) == 0 then
        off('waits for ' .. other .. ', which is gone: cancel it')
      end
    end
  end
  if tonumber(fields.openDependencies or '0') ~= open then
    off('says that it waits for ' .. (fields.openDependencies or '0') .. ' jobs, but names ' .. open, function()
      if open > 0 then redis.call('HSET', job, 'openDependencies', open) else redis.call('HDEL', job, 'openDependencies') end
      if fields.state == 'pending' then changed(job, id) end
    end)
  end
  if not holds(fields.state) then return end
  local placed = attempt_of(job, fields.attempt)
  local tasks = 0
  for _, task in ipairs(placed.tasks) do
    if fields['task:' .. fields.attempt .. ':' .. task.rank .. ':state'] ~= 'ended' then tasks = tasks + 1 end
  end
  local said = fields['attempt:' .. fields.attempt .. ':open']
  if tonumber(said or '-1') ~= tasks then
    off('says that ' .. (said or 'no count of') .. ' tasks are open, but ' .. tasks .. ' are', function()
      redis.call('HSET', job, 'attempt:' .. fields.attempt .. ':open', tasks)
    end)
  end
  for _, device in ipairs(placed.devices) do
    local holders, _, shared = holders_of(device.uuid)
    local mine = false
    for _, holder in ipairs(holders) do mine = mine or holder.job == id and holder.attempt == fields.attempt end
    if not mine and #holders > 0 and not (shared and placed.share) then
      off('runs on ' .. device.uuid .. ', which ' .. holders[1].job .. ' holds: cancel one of them')
    elseif not mine then
      off('runs on ' .. device.uuid .. ', but does not hold it', function()
        holders[#holders + 1] = { job = id, attempt = fields.attempt,
          bytes = type(placed.share) == 'table' and placed.share.bytes or nil }
        write_holders(device.uuid, holders)
      end)
    end
  end
end

local function verify_device(uuid)
  local rightful, changed_one = {}, false
  local holders = holders_of(uuid)
  for _, holder in ipairs(holders) do
    local state, attempt = unpack(redis.call('HMGET', job_key(holder.job), 'state', 'attempt'))
    -- What can't be read is told of as a job, and keeps its devices: it may run.
    local its = state and not holds(state) and not has_ended(state) and state ~= 'pending'
    if state and holds(state) and attempt == holder.attempt then
      local readable, placed = pcall(attempt_of, job_key(holder.job), attempt)
      its = not readable
      for _, device in ipairs(readable and placed.devices or {}) do its = its or device.uuid == uuid end
    end
    if its then rightful[#rightful + 1] = holder
    else off('is held by attempt ' .. holder.attempt .. ' of ' .. holder.job .. ', which does not run on it', function() changed_one = true end) end
  end
  if changed_one then write_holders(uuid, rightful) end
end

local hash = prefix .. ':' .. kind .. ':' .. id
local indexes, fields = {}, {}
if kind == 'device' then
  verify_device(id)
  return answer
end
if index and not names(index, member) then return answer end
local flat = redis.call('HGETALL', hash)
for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
if kind == 'job' and #flat > 0 then
  indexes = indexes_of_job(hash, fields, cjson.decode(fields.spec))
  if not index then verify_job(hash, fields) end
elseif kind == 'user' and #flat > 0 then
  indexes = { entry('set', 'users', id) }
elseif kind == 'token' and #flat > 0 then
  indexes = { entry('set', 'user:' .. fields.user .. ':tokens', id), entry('hash', 'digests', fields.digest, id) }
elseif kind == 'schedule' and #flat > 0 then
  indexes = { entry('zset', 'schedules', id, fields.createdAt) }
end

if index then
  local rightful = false
  for _, e in ipairs(indexes) do rightful = rightful or e.key == index and e.member == member and is_there(e) end
  if not rightful then
    off((#flat == 0 and 'does not exist' or 'does not belong there') .. ', but is named in ' .. short(index),
      function() take_out(index, member) end)
  end
else
  for _, e in ipairs(indexes) do
    if not e.optional and not is_there(e) then off('is missing in ' .. short(e.key), e.put or function() put(e) end) end
  end
end
return answer
