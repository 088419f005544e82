-- Says what keeps jobs away from a device for now, as its node's daemon sees it; that passes with its reason.
-- ARGV: UUID, obstacles (JSON list: code, sentence, since), or '' for none
local uuid, obstacles = unpack(ARGV)

if redis.call('HEXISTS', prefix .. ':devices', uuid) == 0 then return { 'not_found' } end
if obstacles == '' then
  if redis.call('HDEL', prefix .. ':obstacles', uuid) == 1 then emit_of_device('device.cleared', uuid) end
elseif redis.call('HGET', prefix .. ':obstacles', uuid) ~= obstacles then
  redis.call('HSET', prefix .. ':obstacles', uuid, obstacles)
  emit_of_device('device.obstructed', uuid, obstacles)
end
return { 'ok' }
