-- Tells a job's owner of something that happened to an attempt. Said once for each code and device, and not without end.
-- ARGV: id, attempt, code, device or '', sentence, detail or '', how many are kept
local id, attempt, code, device, sentence, detail, kept = unpack(ARGV)
if device == '' then device = cjson.null end
if detail == '' then detail = cjson.null end
local job = job_key(id)

local state, current, said = unpack(redis.call('HMGET', job, 'state', 'attempt', 'notices'))
if not state then return { 'not_found' } end
if current ~= attempt then return { 'stale_attempt', current } end
local notices = said and cjson.decode(said) or {}
if #notices >= tonumber(kept) then return { 'ok', 'full' } end
for _, notice in ipairs(notices) do
  if notice.attempt == tonumber(attempt) and notice.code == code and notice.device == device and
    ((code ~= 'xid' and code ~= 'time_limit') or notice.sentence == sentence) then return { 'ok', 'said' } end
end
notices[#notices + 1] = { at = now, attempt = tonumber(attempt), code = code, device = device, sentence = sentence,
  detail = detail }
redis.call('HSET', job, 'notices', cjson.encode(notices))
emit('job.noticed', job, id, attempt, nil, cjson.encode({ code = code, sentence = sentence }))
return { 'ok', 'new' }
