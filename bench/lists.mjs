import { Redis } from 'ioredis';
import { startDaemon } from './daemon.mjs';
import { median } from './figures.mjs';

const FEW = 100;
const MANY = 1_000_000;
const AT_ONCE = 10_000;
const QUERIES = {
  newest: 'limit=100',
  ended: 'limit=100&state=succeeded,failed',
  since: 'limit=100&since=1h',
};
const ROUNDS = 50;

/** A page of `GET /v1/jobs` with a hundred and with a million ended jobs in the ledger; and one that nothing fits, which looks in vain. */
export async function lists() {
  const daemon = await startDaemon('2xH100-80GB', 4);
  const redis = new Redis(daemon.redis, { replyMapping: 'legacy' });
  try {
    const { id } = await daemon.call('POST', '/v1/jobs', { command: ['/bin/true'], workingDirectory: '/' });
    await daemon.call('GET', `/v1/jobs/${id}/logs?follow=true`);
    const figures = { scenario: 'lists' };
    let jobs = 1;
    for (const size of [FEW, MANY]) {
      // What is measured is reading; the seed need not survive a power cut.
      await redis.config('SET', 'appendonly', 'no');
      for (; jobs < size; jobs = Math.min(jobs + AT_ONCE, size))
        await redis.eval(COPY, 1, '{berth}', id, jobs + 1, Math.min(jobs + AT_ONCE, size));
      for (const [name, query] of Object.entries({ ...QUERIES, nothing: 'limit=100&name=nothing' })) {
        const times = [];
        for (let i = 0; i < ROUNDS; i += 1) {
          const began = performance.now();
          await daemon.call('GET', `/v1/jobs?${query}`);
          times.push(performance.now() - began);
        }
        figures[`${name} @${size}, ms`] = median(times);
      }
    }
    for (const name of Object.keys(QUERIES))
      figures[`${name}, ratio`] = figures[`${name} @${MANY}, ms`] / figures[`${name} @${FEW}, ms`];
    return figures;
  } finally {
    redis.disconnect();
    await daemon.stop();
  }
}

/** Copies of a job that has ended, with numbers from one to another. */
const COPY = `
local prefix, id = KEYS[1], ARGV[1]
local fields = redis.call('HGETALL', prefix .. ':job:' .. id)
for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local copy = string.format('job_%021d', number)
  local job = prefix .. ':job:' .. copy
  redis.call('HSET', job, unpack(fields))
  redis.call('HSET', job, 'id', copy, 'number', number)
  redis.call('HSET', prefix .. ':numbers', number, copy)
  redis.call('ZADD', prefix .. ':jobs', number, copy)
  redis.call('ZADD', prefix .. ':state:succeeded', number, copy)
end
redis.call('SET', prefix .. ':number', ARGV[3])`;
