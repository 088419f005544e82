-- Makes the caller the one scheduler that may assign; whoever led before is refused from now on.
-- ARGV: node, half-life of usage in s
local epoch = redis.call('HINCRBY', prefix .. ':leader', 'epoch', 1)
redis.call('HSET', prefix .. ':leader', 'node', ARGV[1], 'halfLife', ARGV[2])
redis.call('XADD', prefix .. ':events', 'MAXLEN', '~', 100000, '*', 'type', 'leader.changed', 'at', now, 'node', ARGV[1])
return { 'ok', tostring(epoch) }
