-- Replaces what the ledger knows of a node's devices.
-- ARGV: node, then a UUID and a description (JSON) for each device
local node = ARGV[1]
local devices = prefix .. ':devices'
local present = {}
for i = 2, #ARGV, 2 do present[ARGV[i]] = ARGV[i + 1] end

local known = redis.call('HGETALL', devices)
for i = 1, #known, 2 do
  if readable(known[i + 1]).node == node then
    if not present[known[i]] then redis.call('HDEL', devices, known[i]) end
    -- The daemon that registers looks at its devices anew.
    redis.call('HDEL', prefix .. ':obstacles', known[i])
  end
end
for uuid, description in pairs(present) do redis.call('HSET', devices, uuid, description) end
redis.call('XADD', prefix .. ':events', 'MAXLEN', '~', 100000, '*', 'type', 'devices.registered', 'at', now, 'node', node)
return { 'ok' }
