import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Cause, LedgerImport } from '@berth/contract';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { z } from 'zod';
import { repliesTo } from '../redis/pipeline.js';
import type { ExportHeader, ExportLine } from './export.js';
import { KEYS, PREFIX } from './keys.js';
import type { JobRecord } from './record.js';
import { openSchema, SCHEMA_VERSION } from './schema.js';
import { loadScripts } from './scripts.js';
import { damageUnder } from './soundness.js';
import { verifyLedger } from './verification.js';

/** An export that can't be taken; the message says why and what to do. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
  readonly code: 'not_empty' | 'unreadable';

  constructor(code: 'not_empty' | 'unreadable', message: string) {
    super(message);
    this.code = code;
  }
}

const AT_ONCE = 500;
/** Kept as they are, beside the things that have a hash of their own. */
const TOTALS = [
  'usage',
  'lastUsed',
  'jobUse',
  'deviceUse',
  'activity',
  'peaks',
  'drains',
  'xids',
  'restarts',
];
const KEY = new RegExp(
  String.raw`^(?:(?:job|group|schedule|user|token):[^:\s]+|number|${TOTALS.join('|')})$`,
);
const HeaderSchema = z.object({ berth: z.literal('ledger'), schema: z.int().positive(), at: z.number() });
const LineSchema = z.object({
  key: z.string().regex(KEY),
  value: z.union([z.string(), z.record(z.string(), z.string())]),
});
/** What could not be read when it was exported is told of, and not taken. */
const DamagedSchema = z.object({ damaged: z.string(), why: z.string() });
const EndSchema = z.object({ end: z.literal(true), jobs: z.int().nonnegative() });

/**
 * Takes an export into an empty ledger. The whole file is looked through before anything is written; indexes are made anew.
 * @throws ImportRefused
 */
export async function importLedger(redis: Redis, file: string, log: Logger): Promise<LedgerImport> {
  if ((await redis.exists(KEYS.jobs, KEYS.schedules)) > 0)
    throw new ImportRefused(
      'not_empty',
      'this ledger has jobs or schedules already: an export is taken into an empty one only',
    );
  const header = await check(file);
  const held = new Set<string>();
  let batch: ExportLine[] = [];
  const write = async (): Promise<void> => {
    const pipeline = redis.pipeline();
    for (const line of batch) put(pipeline, line);
    await repliesTo(pipeline);
    batch = [];
  };
  for await (const text of linesOf(file)) {
    const line = LineSchema.safeParse(JSON.parse(text));
    if (!line.success) continue;
    const { key, value } = line.data;
    if (!key.startsWith('job:') || typeof value === 'string') batch.push(line.data);
    else {
      const record = atRest(value, header.at);
      if (record !== value && record.state === 'pending') held.add(key);
      else held.delete(key);
      batch.push({ key, value: record });
    }
    if (batch.length === AT_ONCE) await write();
  }
  await write();
  await redis.set(KEYS.schema, header.schema);
  await openSchema(redis, log);
  for await (const _ of verifyLedger(redis, loadScripts(redis), true));
  return { jobs: await redis.zcard(KEYS.jobs), held: held.size };
}

/** Later lines of a key overrule earlier ones, also where those had more fields. */
function put(pipeline: ReturnType<Redis['pipeline']>, { key, value }: ExportLine): void {
  const full = `${PREFIX}:${key}`;
  if (typeof value === 'string') pipeline.set(full, value);
  else if (Object.keys(value).length > 0) {
    pipeline.del(full);
    if (key === 'jobUse') pipeline.zadd(full, ...Object.entries(value).flatMap(([id, score]) => [score, id]));
    else pipeline.hset(full, value);
  }
}

/** Looks through a file, up to its end. @throws ImportRefused that names the line */
async function check(file: string): Promise<ExportHeader> {
  const refuse = (message: string): never => {
    throw new ImportRefused('unreadable', message);
  };
  let header: ExportHeader | null = null;
  let end: z.infer<typeof EndSchema> | null = null;
  const jobs = new Set<string>();
  let number = 0;
  for await (const text of linesOf(file)) {
    number += 1;
    if (end) refuse(`line ${number} stands behind the end of the export`);
    const said = parse(text) ?? refuse(`line ${number} is no JSON`);
    if (!header) {
      const found = HeaderSchema.safeParse(said);
      header = found.data ?? refuse('this is no export of a ledger: its first line says something else');
      if (header.schema > SCHEMA_VERSION)
        refuse(
          `this export is of a newer Berth (its schema is ${header.schema}, this one reads ${SCHEMA_VERSION})`,
        );
      continue;
    }
    const line = LineSchema.safeParse(said);
    if (line.success) {
      const { key, value } = line.data;
      const { kind, id, why } = damageUnder(key, typeof value === 'string' ? {} : value) ?? {};
      if (kind) refuse(`line ${number} is no ${kind} of this Berth (${id}: ${why})`);
      if (key.startsWith('job:')) jobs.add(key);
      continue;
    }
    if (DamagedSchema.safeParse(said).success) continue;
    end = EndSchema.safeParse(said).data ?? refuse(`line ${number} is no part of a ledger`);
  }
  if (!header || !end) return refuse('this export was cut short: its last line is missing');
  if (end.jobs !== jobs.size) refuse(`this export lacks jobs: it has ${jobs.size} of ${end.jobs}`);
  return header;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const linesOf = (file: string): AsyncIterable<string> =>
  createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });

/**
 * A job without the attempt that ran when it was exported. Whether that still runs nobody knows here: so the job is held until
 * a person has looked. One that was being ended has ended.
 * @param at when it was exported (ms since the epoch)
 */
function atRest(record: JobRecord, at: number): JobRecord {
  const { state, attempt, stopState, stopCause } = record;
  if (state !== 'starting' && state !== 'running' && state !== 'stopping') return record;
  const cause: Cause = {
    code: 'worker_lost',
    sentence:
      'it ran when the ledger was exported, and what became of it is not known here: make sure that nothing of it runs, then release it',
    rank: null,
    exitCode: null,
    signal: null,
  };
  const { stopCause: _, stopState: __, saving: ___, ...rest } = record;
  const ended: JobRecord = {
    ...rest,
    [`attempt:${attempt}:endedAt`]: String(at),
    [`attempt:${attempt}:cause`]: stopCause ?? JSON.stringify(cause),
    [`attempt:${attempt}:open`]: '0',
  };
  for (const field of Object.keys(ended))
    if (field.startsWith(`task:${attempt}:`) && field.endsWith(':state')) ended[field] = 'ended';
  if (state === 'stopping' && stopCause && (stopState === 'cancelled' || stopState === 'failed'))
    return { ...ended, state: stopState, endedAt: String(at), cause: stopCause };
  return { ...ended, state: 'pending', held: '1' };
}
