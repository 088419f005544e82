-- Writes down how much of a device's memory a run had at the most, for those who ask for as much as earlier runs of that name.
-- ARGV: user, name, the job's number, bytes, how many runs are kept
local user, name, number, bytes, kept = unpack(ARGV)

local key, field = prefix .. ':peaks', user .. '/' .. name
local known = redis.call('HGET', key, field)
local peaks = readable(known)
for i, peak in ipairs(peaks) do
  if peak.number == tonumber(number) then table.remove(peaks, i) break end
end
table.insert(peaks, 1, { number = tonumber(number), bytes = tonumber(bytes) })
while #peaks > tonumber(kept) do table.remove(peaks) end
redis.call('HSET', key, field, cjson.encode(peaks))
return { 'ok' }
