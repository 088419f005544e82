-- Put before every transition's script. KEYS[1] is the ledger's prefix, a hash tag: every key that a script derives
-- from it lives in the same slot, so the scripts also run on a Redis Cluster.
--
-- A script is one transition: it checks, and only when all checks have passed it writes; nothing else runs between.
-- It answers {'ok', ...} or {<refusal>, ...}; refusals have changed nothing. Each transition may be sent twice
-- (a client re-sends what it got no answer to): the second time it answers as the first, and writes nothing.

local prefix = KEYS[1]

-- The caller may say which ledger it means: then nothing is done in another one, such as a Redis that was emptied.
if KEYS[2] and KEYS[2] ~= prefix .. ':identity:' .. (redis.call('GET', prefix .. ':identity') or '') then
  return { 'wrong_ledger' }
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function job_key(id)
  return prefix .. ':job:' .. id
end

-- Writes the transition's event, in the same step as its changes. `ended`: when the attempt was over that it ends.
local function emit(event, job, id, attempt, rank, more, ended)
  local number, state, user = unpack(redis.call('HMGET', job, 'number', 'state', 'user'))
  redis.call('XADD', prefix .. ':events', 'MAXLEN', '~', 100000, '*',
    'type', event, 'at', now, 'job', id, 'number', number, 'state', state, 'user', user,
    'attempt', attempt or '', 'rank', rank or '', 'more', more or '', 'endedAt', ended or '')
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

-- Whether a pending job has no place in line: it is held, or waits for others to end.
local function is_kept_back(job)
  local held, open = unpack(redis.call('HMGET', job, 'held', 'openDependencies'))
  return held or (open and tonumber(open) > 0)
end

-- Puts a pending job in line: by priority, then by number. 2^40 jobs fit between two priorities. One that was preempted
-- goes before all others of its priority.
local function enqueue(job, id)
  local number, priority, front = unpack(redis.call('HMGET', job, 'number', 'priority', 'front'))
  if is_kept_back(job) then
    redis.call('ZREM', prefix .. ':queue', id)
  else
    redis.call('ZADD', prefix .. ':queue', -tonumber(priority) * 1099511627776 + tonumber(number) - (front and 549755813888 or 0),
      id)
  end
end

-- What some JSON says, of which a part may be missing or cut; nothing where it can't be read.
local function readable(json)
  local is_json, found = pcall(cjson.decode, json or '')
  return is_json and type(found) == 'table' and found or {}
end

-- What the scheduler has to know of a pending job (JSON; see record.ts, WaitingJob). It tells by itself what can't be read.
local function waiting_of(job)
  local needs, held, open, notBefore, avoid, since, front =
    unpack(redis.call('HMGET', job, 'needs', 'held', 'openDependencies', 'notBefore', 'avoid', 'submittedAt', 'front'))
  return '{"needs":' .. (needs or 'null') .. ',"held":' .. tostring(held ~= false) .. ',"openDependencies":' .. (open or '0') ..
    ',"notBefore":' .. (notBefore or 'null') .. ',"avoid":' .. (avoid or '[]') .. ',"since":' .. (since or 'null') ..
    ',"front":' .. tostring(front ~= false) .. '}'
end

-- Tells the scheduler that something has changed for a pending job.
local function changed(job, id)
  enqueue(job, id)
  emit('job.changed', job, id, redis.call('HGET', job, 'attempt'), nil, waiting_of(job))
end

-- Whose copy of code a job of this spec runs in; nil: none.
local function code_owner(spec)
  local code = spec.code
  return type(code) == 'table' and type(code.snapshot) == 'table' and code.snapshot.owner or nil
end

local function has_ended(state)
  return state == 'succeeded' or state == 'failed' or state == 'cancelled'
end

-- Whether a condition holds of a job that has ended so.
local function meets(condition, state)
  return condition == 'ended' or condition == state
end

-- Ends one job for good; notes in `open` those that end with it.
local function end_one(ended, open)
  local job = job_key(ended.id)
  redis.call('ZREM', prefix .. ':queue', ended.id)
  move(job, ended.id, ended.from, ended.to)
  redis.call('HSET', job, 'endedAt', ended.at or now)
  redis.call('ZADD', prefix .. ':ended', ended.at or now, ended.id)
  redis.call('HDEL', job, 'front')
  if ended.cause then redis.call('HSET', job, 'cause', ended.cause) end
  emit('job.ended', job, ended.id, ended.attempt, nil, nil, ended.at)
  local number = redis.call('HGET', job, 'number')
  for _, id in ipairs(redis.call('SMEMBERS', prefix .. ':dependants:' .. ended.id)) do
    local dependant = job_key(id)
    local state, condition, mayWait = unpack(redis.call('HMGET', dependant, 'state', 'after:' .. ended.id, 'waitsOn'))
    if state ~= 'pending' or not condition then
      redis.call('SREM', prefix .. ':dependants:' .. ended.id, id)
    elseif meets(condition, ended.to) then
      redis.call('SREM', prefix .. ':dependants:' .. ended.id, id)
      redis.call('HDEL', dependant, 'after:' .. ended.id)
      -- One that can't be read must not keep from its end what it waited for; nor below.
      pcall(function()
        if redis.call('HINCRBY', dependant, 'openDependencies', -1) == 0 then changed(dependant, id) end
      end)
    elseif not mayWait then
      redis.call('SREM', prefix .. ':dependants:' .. ended.id, id)
      local sentence = 'it was to start when job ' .. number .. ' had ' .. condition .. ', but that one ' ..
        (ended.to == 'cancelled' and 'was cancelled' or 'has ' .. ended.to)
      open[#open + 1] = { id = id, from = 'pending', to = 'failed', cause = '{"code":"dependency_failed","sentence":"' ..
        sentence .. '","rank":null,"exitCode":null,"signal":null}' }
    end
  end
end

-- Ends a job for good, and with it those that waited for it in vain; those that waited for just that come a step nearer.
-- `at`: when its last attempt was over; nil: none ran.
local function end_for_good(first, attempt, from, to, cause, at)
  local open = {}
  end_one({ id = first, attempt = attempt, from = from, to = to, cause = cause, at = at }, open)
  while #open > 0 do pcall(end_one, table.remove(open), open) end
end

local function attempt_of(job, attempt)
  return cjson.decode(redis.call('HGET', job, 'attempt:' .. attempt))
end

-- Who holds a device, what those that share it have declared of its memory, and whether they share it. Kept as
-- `job attempt` for one that has it to itself, as `job attempt bytes` with `;` between them for others.
local function holders_of(uuid)
  local holders, total = {}, 0
  local held = redis.call('HGET', prefix .. ':allocations', uuid) or ''
  for job, attempt, bytes in string.gmatch(held, '([^ ;]+) (%d+) ?(%d*)') do
    bytes = tonumber(bytes)
    holders[#holders + 1] = { job = job, attempt = attempt, bytes = bytes }
    total = total and bytes and total + bytes
  end
  return holders, total, total ~= nil
end

local function write_holders(uuid, holders)
  local texts = {}
  for i, holder in ipairs(holders) do
    texts[i] = holder.job .. ' ' .. holder.attempt .. (holder.bytes and string.format(' %.0f', holder.bytes) or '')
  end
  if #texts == 0 then redis.call('HDEL', prefix .. ':allocations', uuid)
  else redis.call('HSET', prefix .. ':allocations', uuid, table.concat(texts, ';')) end
end

-- Writes down what a user has used, for fair share: as packages/scheduler/src/usage.ts computes it, and in all.
local function charge(user, gpus, since, ended)
  local half_life = tonumber(redis.call('HGET', prefix .. ':leader', 'halfLife')) * 1000
  local key = prefix .. ':usage'
  -- What was damaged there counts for nothing: the attempt has to end nevertheless.
  local usage = readable(redis.call('HGET', key, user))
  usage = { gpuSeconds = tonumber(usage.gpuSeconds) or 0, at = tonumber(usage.at) or 0, total = tonumber(usage.total) or 0 }
  local at = math.max(ended, usage.at)
  local held = math.max(ended - since, 0)
  local worth = gpus * half_life / 1000 / math.log(2) * (1 - 0.5 ^ (held / half_life))
  redis.call('HSET', key, user, string.format('{"gpuSeconds":%.17g,"at":%.0f,"total":%.17g}',
    usage.gpuSeconds * 0.5 ^ ((at - usage.at) / half_life) + worth * 0.5 ^ ((at - ended) / half_life), at,
    usage.total + gpus * held / 1000))
end

-- Adds up, in GPU-seconds, what a job has used, and for how long its devices were had.
local function count_use(id, devices, gpus, since, ended)
  local used = gpus * math.max(ended - since, 0) / 1000
  redis.call('ZINCRBY', prefix .. ':jobUse', used, id)
  for _, device in ipairs(devices) do
    redis.call('HINCRBYFLOAT', prefix .. ':deviceUse', device.uuid, string.format('%.17g', used / #devices))
  end
end

-- Says something of each task of an attempt to its worker. Who doesn't listen now reads the ledger when it comes back.
local function tell_workers(job, id, attempt, verb)
  for _, task in ipairs(attempt_of(job, attempt).tasks) do
    redis.call('PUBLISH', prefix .. ':control:' .. task.devices[1], verb .. ' ' .. id .. ' ' .. attempt .. ' ' .. task.rank)
  end
end

-- An attempt is to end, or to end otherwise than it was to: its workers are asked to stop its tasks, where `saving` after
-- a signal to save their work.
local function begin_stopping(job, id, attempt, state, rank, saving)
  if state ~= 'stopping' then move(job, id, state, 'stopping') end
  redis.call('HSETNX', job, 'attempt:' .. attempt .. ':stoppingAt', now)
  if saving then redis.call('HSET', job, 'saving', '1') else redis.call('HDEL', job, 'saving') end
  tell_workers(job, id, attempt, saving and 'save' or 'stop')
  emit('job.stopping', job, id, attempt, rank)
end

-- The signal that tells a job to save its work; nil: it knows none.
local function checkpoint_signal(job)
  local signal = cjson.decode(redis.call('HGET', job, 'spec')).checkpointSignal
  return type(signal) == 'string' and signal or nil
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

-- Puts a job in line again, for its next attempt. `ended`: when the attempt was over that this ends.
local function requeue(job, id, attempt, from, ended)
  redis.call('HDEL', job, 'stopCause', 'stopState', 'saving', 'cause', 'endedAt')
  redis.call('ZREM', prefix .. ':ended', id)
  move(job, id, from, 'pending')
  enqueue(job, id)
  emit('job.requeued', job, id, attempt, nil, waiting_of(job), ended)
end

-- How long a job waits before its next attempt, in ms; nil: there is none. By its own policy (contract: Retry). What a wait
-- varies by comes from the attempt itself: the same attempt waits as long on every try of this script.
local function retry_delay(job, id, attempt, cause)
  local retry = readable(redis.call('HGET', job, 'spec')).retry
  if type(retry) ~= 'table' then return nil end
  local used = tonumber(redis.call('HGET', job, 'retries') or '0')
  local why = cjson.decode(cause)
  local fits = false
  for _, code in ipairs(retry.on) do fits = fits or code == why.code end
  if fits and why.code == 'exit_code' and type(retry.exitCodes) == 'table' then
    fits = false
    for _, code in ipairs(retry.exitCodes) do fits = fits or code == why.exitCode end
  end
  if not fits or used >= retry.limit then return nil end
  local wait = math.min(retry.backoff * 2 ^ used, retry.maxBackoff)
  local share = tonumber(string.sub(redis.sha1hex(id .. '.' .. attempt), 1, 6), 16) / 0xffffff
  return math.floor(wait * (0.5 + share / 2) * 1000)
end

-- When an attempt was over that began at `since`: with its last task, as the shims wrote down, however much later that is
-- told. Where a task has no end of its own that is not known: now.
local function end_of(job, attempt, tasks, since)
  local latest = since
  for _, task in ipairs(tasks) do
    local ending = redis.call('HGET', job, 'task:' .. attempt .. ':' .. task.rank .. ':ending')
    if not ending then return now end
    latest = math.max(latest, cjson.decode(ending).endedAt)
  end
  return math.min(latest, now)
end

-- Ends an attempt of which no task is open: frees its devices, then ends the job or puts it in line again.
local function end_attempt(job, id, attempt, state, again)
  local devices = {}
  local placed = attempt_of(job, attempt)
  local user, placedAt, startedAt =
    unpack(redis.call('HMGET', job, 'user', 'attempt:' .. attempt .. ':placedAt', 'attempt:' .. attempt .. ':startedAt'))
  local ended = end_of(job, attempt, placed.tasks, tonumber(startedAt or placedAt))
  for i, device in ipairs(placed.devices) do
    local others = {}
    for _, holder in ipairs((holders_of(device.uuid))) do
      if holder.job ~= id then others[#others + 1] = holder end
    end
    write_holders(device.uuid, others)
    redis.call('HSET', prefix .. ':lastUsed', device.uuid, ended)
    devices[i] = device.uuid
  end
  local gpus = placed.gpus or #placed.devices
  charge(user, gpus, tonumber(placedAt), ended)
  count_use(id, placed.devices, gpus, tonumber(placedAt), ended)
  local stopCause, stopState, failure =
    unpack(redis.call('HMGET', job, 'stopCause', 'stopState', 'attempt:' .. attempt .. ':failure'))
  local cause = stopCause or failure
  local final = stopCause and stopState or (failure and 'failed' or 'succeeded')
  redis.call('HSET', job, 'attempt:' .. attempt .. ':endedAt', ended)
  redis.call('ZADD', prefix .. ':stays', ended, id .. ' ' .. attempt)
  if cause then redis.call('HSET', job, 'attempt:' .. attempt .. ':cause', cause) end
  if (again and not stopCause) or final == 'pending' then
    local why = cause and cjson.decode(cause).code
    if why == 'preempted' or why == 'drill' then redis.call('HSET', job, 'front', '1') end
    requeue(job, id, attempt, state, ended)
    return 'pending'
  end
  local delay = final == 'failed' and retry_delay(job, id, attempt, cause)
  if delay then
    redis.call('HINCRBY', job, 'retries', 1)
    redis.call('HSET', job, 'notBefore', now + delay, 'avoid', cjson.encode(devices))
    requeue(job, id, attempt, state, ended)
    return 'pending'
  end
  end_for_good(id, attempt, state, final, cause, ended)
  return final
end

local function idempotency_key(key)
  return prefix .. ':idempotency:' .. key
end

-- What was made with an idempotency key before, as an answer; nil: nothing. With another body that is a conflict.
-- To be asked before anything that may be otherwise the second time; and `remember`ed when all else is written.
local function recalled(key, digest)
  if key == '' then return nil end
  local made, its = unpack(redis.call('HMGET', idempotency_key(key), 'made', 'digest'))
  return made and { its == digest and 'replayed' or 'idempotency_conflict', made }
end

-- For `life` seconds a key stands for what was made with it.
local function remember(key, digest, life, made)
  if key == '' then return end
  redis.call('HSET', idempotency_key(key), 'made', made, 'digest', digest)
  redis.call('EXPIRE', idempotency_key(key), life)
end

-- Takes a new job, in line; see submit.lua for what it answers with.
-- argv: id, name, user, priority, spec (JSON), needs (JSON), shape, idempotency key or '', digest of the body, key's life in s,
--   '1' to hold it, not before (ms since the epoch) or '', '1' to wait for dependencies that failed,
--   group or '', schedule or '', then an id and a condition for each dependency
local function take_job(argv)
  local id, name, user, priority, spec, needs, shape, idempotency, digest, life, hold, notBefore, mayWait, group, schedule =
    unpack(argv)
  local job = job_key(id)

  local function taken()
    return { 'ok', id, redis.call('ZRANK', prefix .. ':queue', id) or '', unpack(redis.call('HGETALL', job)) }
  end
  if redis.call('EXISTS', job) == 1 then return taken() end
  local before = recalled(idempotency, digest)
  if before then return before end
  local waits = {}
  for i = 16, #argv, 2 do
    local other, condition = argv[i], argv[i + 1]
    local state = redis.call('HGET', job_key(other), 'state')
    if not state then return { 'not_found', other } end
    local ended = has_ended(state)
    if ended and not meets(condition, state) and mayWait ~= '1' then return { 'dependency_unmet', other, state } end
    if not ended or not meets(condition, state) then waits[#waits + 1] = { other, condition } end
  end

  local number = redis.call('INCR', prefix .. ':number')
  redis.call('HSET', job, 'id', id, 'number', number, 'name', name, 'user', user, 'priority', priority, 'spec', spec,
    'needs', needs, 'shape', shape, 'state', 'pending', 'attempt', 0, 'submittedAt', now)
  if hold == '1' then redis.call('HSET', job, 'held', '1') end
  if notBefore ~= '' then redis.call('HSET', job, 'notBefore', notBefore) end
  if mayWait == '1' then redis.call('HSET', job, 'waitsOn', '1') end
  for _, wait in ipairs(waits) do
    redis.call('SADD', prefix .. ':dependants:' .. wait[1], id)
    redis.call('HSET', job, 'after:' .. wait[1], wait[2])
  end
  if #waits > 0 then redis.call('HSET', job, 'openDependencies', #waits) end
  if group ~= '' then redis.call('ZADD', prefix .. ':group:' .. group .. ':jobs', number, id) end
  if schedule ~= '' then redis.call('ZADD', prefix .. ':schedule:' .. schedule .. ':jobs', number, id) end
  redis.call('HSET', prefix .. ':numbers', number, id)
  redis.call('ZADD', prefix .. ':jobs', number, id)
  redis.call('ZADD', prefix .. ':state:pending', number, id)
  enqueue(job, id)
  remember(idempotency, digest, life, id)
  if idempotency ~= '' then redis.call('HSET', job, 'idempotency', idempotency) end
  emit('job.submitted', job, id, nil, nil, waiting_of(job))
  if #waits > 0 then return taken() end
  -- The caller has the rest.
  return { 'ok', id, redis.call('ZRANK', prefix .. ':queue', id) or '', 'number', tostring(number), 'submittedAt', tostring(now) }
end

local function schedule_key(id)
  return prefix .. ':schedule:' .. id
end

local function emit_of_schedule(event, id, more)
  redis.call('XADD', prefix .. ':events', 'MAXLEN', '~', 100000, '*',
    'type', event, 'at', now, 'schedule', id, 'more', more or '')
end

-- Why a time of a schedule is nobody's business any more, or nil: it is gone or paused, or the time was dealt with.
-- `expected` is the next time as the caller has read it.
local function not_due(id, expected)
  local enabled, due = unpack(redis.call('HMGET', schedule_key(id), 'enabled', 'nextRun'))
  if not enabled then return { 'not_found' } end
  if enabled ~= '1' then return { 'wrong_state', 'paused' } end
  if due ~= expected then return { 'changed_meanwhile', due } end
end

-- Writes down that no job comes of a time, and why; the next one is due.
local function skip_run(id, at, upcoming, code, sentence)
  redis.call('HSET', schedule_key(id), 'nextRun', upcoming,
    'lastRun', cjson.encode({ at = tonumber(at), skipped = { code = code, sentence = sentence } }))
  emit_of_schedule('schedule.skipped', id, sentence)
end

local function user_key(name)
  return prefix .. ':user:' .. name
end

local function token_key(id)
  return prefix .. ':token:' .. id
end

-- Who follows something by this user's name, or by this token of theirs, has to show themself anew.
local function emit_of_user(name, token)
  redis.call('XADD', prefix .. ':events', 'MAXLEN', '~', 100000, '*',
    'type', 'user.changed', 'at', now, 'user', name, 'more', token or '')
end

local function write_user(name, role, account, made)
  redis.call('HSET', user_key(name), 'name', name, 'role', role, 'unixAccount', account, 'disabled', '', 'createdAt', now,
    'made', made)
  redis.call('SADD', prefix .. ':users', name)
end

local function forget_token(id)
  local name, digest = unpack(redis.call('HMGET', token_key(id), 'user', 'digest'))
  redis.call('HDEL', prefix .. ':digests', digest)
  redis.call('SREM', user_key(name) .. ':tokens', id)
  redis.call('DEL', token_key(id))
end
