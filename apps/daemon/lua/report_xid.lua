-- Writes down an error that the driver reported of a device. The newest come first, and only so many are kept.
-- ARGV: UUID, the report (JSON), how many are kept
local uuid, report, kept = unpack(ARGV)

local known = redis.call('HGET', prefix .. ':xids', uuid)
local reports = readable(known)
table.insert(reports, 1, cjson.decode(report))
while #reports > tonumber(kept) do table.remove(reports) end
redis.call('HSET', prefix .. ':xids', uuid, cjson.encode(reports))
emit_of_device('device.xid', uuid, report)
return { 'ok' }
