-- Writes down that the logs of a job that has ended are gone; the caller removes them after that.
-- ARGV: id, when it ended as the caller has read it (ms since the epoch)
local id, expected = unpack(ARGV)
local job = job_key(id)

local state, endedAt, attempt = unpack(redis.call('HMGET', job, 'state', 'endedAt', 'attempt'))
if not state then return { 'not_found' } end
if not endedAt then return { 'wrong_state', state } end
if endedAt ~= expected then return { 'changed_meanwhile', endedAt } end
for i = 1, tonumber(attempt) or 0 do redis.call('HSETNX', job, 'attempt:' .. i .. ':logsRemovedAt', now) end
redis.call('SADD', prefix .. ':removals', id .. ' ' .. (tonumber(attempt) or 0))
-- A group's copy goes with the group, for others may still run in it.
local its = readable(redis.call('HGET', job, 'spec'))
if code_owner(its) and type(its.group) ~= 'table' then
  redis.call('HSET', job, 'codeRemovedAt', now)
  redis.call('SADD', prefix .. ':removals', code_owner(its) .. ' 0')
end
return { 'ok' }
