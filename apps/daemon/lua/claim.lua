-- A worker takes one task. Refused when anybody took it before: here 'started at most once' is decided.
-- Answers with the job's hash: what the worker needs to start it.
-- ARGV: id, attempt, rank, the claimant's token
local id, attempt, rank, token = unpack(ARGV)
local job = job_key(id)

local state, current = unpack(redis.call('HMGET', job, 'state', 'attempt'))
if not state then return { 'not_found' } end
if current ~= attempt then return { 'stale_attempt', current } end
local field = 'task:' .. attempt .. ':' .. rank
local task, claimant = unpack(redis.call('HMGET', job, field .. ':state', field .. ':claimant'))
if task == 'claimed' and claimant == token then return { 'ok', unpack(redis.call('HGETALL', job)) } end
if state ~= 'starting' and state ~= 'running' then return { 'wrong_state', state } end
if task ~= 'waiting' then return { 'already_claimed', task or 'absent' } end

redis.call('HSET', job, field .. ':state', 'claimed', field .. ':claimant', token)
emit('task.claimed', job, id, attempt, rank)
return { 'ok', unpack(redis.call('HGETALL', job)) }
