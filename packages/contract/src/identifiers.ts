import { z } from 'zod';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 9;
const RANDOM_CHARACTERS = 12;

/** Identifies a job for ever, across nodes. Sorts by the time of its making. */
export const JobIdSchema = z
  .string()
  .regex(/^job_[0-9a-hjkmnp-tv-z]{21}$/, 'a job id looks like job_ and 21 letters and digits')
  .meta({ id: 'JobId', description: 'Identifies a job for ever.', example: 'job_01k3v9q2m8fz4c7w1xkt5' });
export type JobId = z.infer<typeof JobIdSchema>;

/** How people name a job: its id, or the small running number that lists show. */
export const JobReferenceSchema = z
  .string()
  .regex(/^(job_[0-9a-hjkmnp-tv-z]{21}|[1-9]\d{0,14})$/, 'name a job by its id (job_…) or its number (42)')
  .meta({ id: 'JobReference', description: "A job's id or its running number.", example: '42' });

/**
 * Makes a job id: 45 bits of milliseconds, then 60 random bits, in Crockford's base 32.
 * @param now milliseconds since the epoch
 * @param random fills the given bytes, as `crypto.getRandomValues` does
 */
export function makeJobId(now: number, random: (bytes: Uint8Array) => Uint8Array): JobId {
  let time = '';
  for (let rest = now, i = 0; i < TIME_CHARACTERS; i += 1, rest = Math.floor(rest / 32)) {
    time = ALPHABET[rest % 32] + time;
  }
  let tail = '';
  for (const byte of random(new Uint8Array(RANDOM_CHARACTERS))) tail += ALPHABET[byte & 31];
  return `job_${time}${tail}`;
}
