-- A process of Berth has died and is started again: that is told, and kept. The newest come first, and only so many are kept.
-- ARGV: the type of the event, which process (of a worker the UUID of its device), the restart (JSON), how many are kept
local event, process, restart, kept = unpack(ARGV)

local known = redis.call('HGET', prefix .. ':restarts', process)
local restarts = readable(known)
-- Two of one process in the same millisecond are one that was sent twice.
if restarts[1] and restarts[1].at == cjson.decode(restart).at then return { 'ok' } end
table.insert(restarts, 1, cjson.decode(restart))
while #restarts > tonumber(kept) do table.remove(restarts) end
redis.call('HSET', prefix .. ':restarts', process, cjson.encode(restarts))
emit_of_device(event, event == 'device.worker_restarted' and process or '', restart)
return { 'ok' }
