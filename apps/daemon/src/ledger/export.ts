import type { JobId } from '@berth/contract';
import type { Redis } from 'ioredis';
import { repliesTo } from '../redis/pipeline.js';
import { type DamagedRecord, isThere } from './damage.js';
import { KEYS, PREFIX } from './keys.js';
import { specOf } from './record.js';
import { SCHEMA_VERSION } from './schema.js';
import { loadScripts } from './scripts.js';
import { damageUnder } from './soundness.js';

/** The first line of an export. */
export interface ExportHeader {
  berth: 'ledger';
  schema: number;
  /** ms since the epoch. */
  at: number;
}

/** One thing of the ledger: a key without the prefix, and what it holds. Of sorted sets the scores. */
export interface ExportLine {
  key: string;
  value: string | Record<string, string>;
}

/** Something that can't be read: as it is, for who wants to put it right. An import passes it over. */
export interface ExportDamage {
  /** Its key. */
  damaged: string;
  why: string;
  value: Record<string, string>;
}

/** The last line: an export without it was cut short. */
export interface ExportEnd {
  end: true;
  jobs: number;
}

const AT_ONCE = 200;

/**
 * The ledger as of one moment, as lines of JSON: everything that its indexes can be made anew from. Jobs are read while all goes on; those that
 * changed meanwhile come once more behind the others, read in one step with all the rest (lua/export_rest.lua). Of the
 * lines of a key the last one counts. What can't be read is told of in lines of its own (ExportDamage), and keeps nothing else from the export.
 * @throws LedgerRefusal `changed_meanwhile`: more has happened meanwhile than the stream of events keeps
 */
export async function* exportLedger(redis: Redis): AsyncGenerator<string> {
  const header: ExportHeader = { berth: 'ledger', schema: SCHEMA_VERSION, at: Date.now() };
  yield `${JSON.stringify(header)}\n`;
  const [newest] = await redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1);
  const jobs = new Set<JobId>();
  const groups = new Set<string>();
  const ids = await redis.zrange(KEYS.jobs, '0', '-1');
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    for (const [id, record] of await hashesOf(redis, ids.slice(i, i + AT_ONCE))) {
      const key = `job:${id}`;
      const damage = damageUnder(key, record);
      if (damage) {
        yield damageLine(key, damage, record);
        continue;
      }
      const { group } = specOf(record);
      if (group) groups.add(group.id);
      jobs.add(id);
      yield `${JSON.stringify({ key, value: record } satisfies ExportLine)}\n`;
    }
  }
  const { values } = await loadScripts(redis)('export_rest', 'ledger', newest?.[0] ?? '0-0', ...groups);
  for (let i = 0; i < values.length; i += 2) {
    const [key, value] = values.slice(i, i + 2) as [string, string];
    const hash = JSON.parse(value) as ExportLine['value'];
    const damage = typeof hash === 'string' ? null : damageUnder(key, hash);
    if (damage) {
      yield damageLine(key, damage, hash as Record<string, string>);
      continue;
    }
    if (key.startsWith('job:')) jobs.add(key.slice('job:'.length));
    yield `{"key":${JSON.stringify(key)},"value":${value}}\n`;
  }
  const end: ExportEnd = { end: true, jobs: jobs.size };
  yield `${JSON.stringify(end)}\n`;
}

function damageLine(damaged: string, { why }: DamagedRecord, value: ExportDamage['value']): string {
  return `${JSON.stringify({ damaged, why, value } satisfies ExportDamage)}\n`;
}

/** Without those that are gone. */
async function hashesOf(redis: Redis, ids: readonly JobId[]): Promise<[JobId, ExportDamage['value']][]> {
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hgetall(`${PREFIX}:job:${id}`);
  const hashes = await repliesTo<ExportDamage['value']>(pipeline);
  return hashes.flatMap((hash, i) => (isThere(hash) ? [[ids[i] as JobId, hash]] : []));
}
