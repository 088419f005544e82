-- A new job, in line. The id is made by the caller: the same id twice is the same submission sent twice.
-- Answers with the id, the place in line and the job's hash, or what of it the caller doesn't know; a replay with the first id alone.
-- ARGV: as take_job reads them (common.lua)
return take_job(ARGV)
