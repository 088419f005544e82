-- Put before every transition's script. KEYS[1] is the ledger's prefix, a hash tag: every key that a script derives
-- from it lives in the same slot, so the scripts also run on a Redis Cluster.
--
-- A script is one transition: it checks, and only when all checks have passed it writes; nothing else runs between.
-- It answers {'ok', ...} or {<refusal>, ...}; refusals have changed nothing. Each transition may be sent twice
-- (a client re-sends what it got no answer to): the second time it answers as the first, and writes nothing.

local prefix = KEYS[1]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function job_key(id)
  return prefix .. ':job:' .. id
end

-- Writes the transition's event, in the same step as its changes.
local function emit(event, job, id, attempt, rank, more)
  local number, state = unpack(redis.call('HMGET', job, 'number', 'state'))
  redis.call('XADD', prefix .. ':events', 'MAXLEN', '~', 100000, '*',
    'type', event, 'at', now, 'job', id, 'number', number, 'state', state,
    'attempt', attempt or '', 'rank', rank or '', 'more', more or '')
end

local function emit_of_device(event, uuid, more)
  redis.call('XADD', prefix .. ':events', 'MAXLEN', '~', 100000, '*',
    'type', event, 'at', now, 'device', uuid, 'more', more or '')
end

local function move(job, id, from, to)
  local number = redis.call('HGET', job, 'number')
  redis.call('HSET', job, 'state', to)
  redis.call('ZREM', prefix .. ':state:' .. from, id)
  redis.call('ZADD', prefix .. ':state:' .. to, number, id)
end

-- Puts a job in line: by priority, then by number. 2^40 jobs fit between two priorities.
local function enqueue(job, id)
  local number, priority = unpack(redis.call('HMGET', job, 'number', 'priority'))
  redis.call('ZADD', prefix .. ':queue', -tonumber(priority) * 1099511627776 + tonumber(number), id)
end

local function attempt_of(job, attempt)
  return cjson.decode(redis.call('HGET', job, 'attempt:' .. attempt))
end

-- Asks the workers of an attempt to stop its tasks. Who doesn't listen now reads the state when it comes back.
local function tell_workers_to_stop(job, id, attempt)
  for _, task in ipairs(attempt_of(job, attempt).tasks) do
    redis.call('PUBLISH', prefix .. ':control:' .. task.devices[1], 'stop ' .. id .. ' ' .. attempt .. ' ' .. task.rank)
  end
end

-- Ends the tasks that no worker has claimed. Sound, because `claim` is refused from now on. Returns how many are open.
local function end_unclaimed_tasks(job, attempt)
  local open = tonumber(redis.call('HGET', job, 'attempt:' .. attempt .. ':open'))
  for _, task in ipairs(attempt_of(job, attempt).tasks) do
    local field = 'task:' .. attempt .. ':' .. task.rank
    if redis.call('HGET', job, field .. ':state') == 'waiting' then
      redis.call('HSET', job, field .. ':state', 'ended')
      open = open - 1
    end
  end
  redis.call('HSET', job, 'attempt:' .. attempt .. ':open', open)
  return open
end

-- Ends an attempt of which no task is open: frees its devices, then ends the job or puts it in line again.
local function end_attempt(job, id, attempt, state, requeue)
  for _, device in ipairs(attempt_of(job, attempt).devices) do
    redis.call('HDEL', prefix .. ':allocations', device.uuid)
  end
  local stopCause, failure = unpack(redis.call('HMGET', job, 'stopCause', 'attempt:' .. attempt .. ':failure'))
  local cause = stopCause or failure
  redis.call('HSET', job, 'attempt:' .. attempt .. ':endedAt', now)
  if cause then redis.call('HSET', job, 'attempt:' .. attempt .. ':cause', cause) end
  if requeue and not stopCause then
    move(job, id, state, 'pending')
    enqueue(job, id)
    emit('job.requeued', job, id, attempt, nil, redis.call('HGET', job, 'needs'))
    return 'pending'
  end
  local final = 'succeeded'
  if stopCause then final = redis.call('HGET', job, 'stopState')
  elseif failure then final = 'failed' end
  move(job, id, state, final)
  redis.call('HSET', job, 'endedAt', now)
  if cause then redis.call('HSET', job, 'cause', cause) end
  emit('job.ended', job, id, attempt)
  return final
end
