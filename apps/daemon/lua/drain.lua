-- Takes a device out: nothing is placed on it until somebody resumes it. Whoever holds it goes on. The first reason stays.
-- ARGV: UUID, why (JSON: code, sentence, by)
local uuid, why = unpack(ARGV)

if redis.call('HEXISTS', prefix .. ':devices', uuid) == 0 then return { 'not_found' } end
if redis.call('HEXISTS', prefix .. ':drains', uuid) == 1 then return { 'ok', 'already' } end
local drain = cjson.decode(why)
drain.since = now
redis.call('HSET', prefix .. ':drains', uuid, cjson.encode(drain))
emit_of_device('device.drained', uuid, why)
return { 'ok', 'drained' }
