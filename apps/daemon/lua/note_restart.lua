-- A process of Berth died and was started again: that is told, and kept nowhere else.
-- ARGV: the type of the event, the UUID of the device that it is about, or ''
local event, uuid = unpack(ARGV)

emit_of_device(event, uuid)
return { 'ok' }
