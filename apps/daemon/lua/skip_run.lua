-- Writes down that no job comes of a time of a schedule, and why.
-- ARGV: schedule, the time (ms since the epoch), the next time as it was read, the time after this one, code, sentence
local schedule, at, expected, upcoming, code, sentence = unpack(ARGV)

local refused = not_due(schedule, expected)
if refused then return refused end
skip_run(schedule, at, upcoming, code, sentence)
return { 'ok' }
