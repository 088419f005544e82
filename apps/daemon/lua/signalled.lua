-- A task was told to save its work: what its worker saw of that. Also of a task that has ended meanwhile.
-- ARGV: id, attempt, rank, 'checkpoint' or 'drill', what (JSON), of a drill: when it began
local id, attempt, rank, kind, what, drill = unpack(ARGV)
local job = job_key(id)

local task = 'task:' .. attempt .. ':' .. rank
local exists, current = unpack(redis.call('HMGET', job, task .. ':state', 'attempt:' .. attempt .. ':drill'))
if not exists then return { 'not_found' } end
if kind == 'drill' and current ~= drill then return { 'stale_attempt', current or '' } end
if redis.call('HSETNX', job, task .. ':' .. kind, what) == 1 then emit('task.signalled', job, id, attempt, rank) end
return { 'ok' }
