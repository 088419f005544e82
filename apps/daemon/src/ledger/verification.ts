import type { Redis } from 'ioredis';
import { type DamagedRecord, isThere } from './damage.js';
import { KEYS, PREFIX } from './keys.js';
import type { RunScript } from './scripts.js';
import { damageUnder, hasForm } from './soundness.js';

/** Something that the ledger says in two places, and not the same. */
export interface Flaw {
  /** Such as `job job_01…` or `device GPU-3f…`. */
  subject: string;
  sentence: string;
  repaired: boolean;
}

type Kind = 'job' | 'user' | 'token' | 'schedule' | 'device';

/** What lies under keys of this form, by the id in it. */
const SUBJECTS: readonly [RegExp, Kind][] = [
  [/^job:([^:]+)$/, 'job'],
  [/^user:([^:]+)$/, 'user'],
  [/^token:([^:]+)$/, 'token'],
  [/^schedule:([^:]+)$/, 'schedule'],
];

/** Which keys are indexes of what, and the id that a member (or a field's value) of them names. */
const INDEXES: readonly [RegExp, Kind, (member: string, value: string) => string][] = [
  [/^(?:jobs|queue|ended|jobUse|state:\w+)$/, 'job', (member) => member],
  [/^(?:dependants:.+|(?:group|schedule):[^:]+:jobs)$/, 'job', (member) => member],
  [/^stays$/, 'job', (member) => member.split(' ')[0] as string],
  [/^numbers$/, 'job', (_, value) => value],
  [/^users$/, 'user', (member) => member],
  [/^user:[^:]+:tokens$/, 'token', (member) => member],
  [/^digests$/, 'token', (_, value) => value],
  [/^schedules$/, 'schedule', (member) => member],
  [/^allocations$/, 'device', (member) => member],
];

/** What Redis calls what lies under a key: of all keys here, and of those of the subjects, which are hashes. */
const TYPES: readonly [RegExp, string][] = [
  [/^(?:jobs|queue|ended|jobUse|stays|schedules|state:\w+|(?:group|schedule):[^:]+:jobs)$/, 'zset'],
  [/^(?:users|user:[^:]+:tokens|dependants:.+)$/, 'set'],
  [/^(?:numbers|digests|allocations)$/, 'hash'],
  ...SUBJECTS.map(([form]): [RegExp, string] => [form, 'hash']),
];

/** Whose values are JSON. */
const JSON_HASHES = ['usage', 'peaks', 'drains', 'obstacles', 'xids', 'restarts'] as const;

const AT_ONCE = 500;

/**
 * Compares all that the ledger has of each thing with all that its indexes have, both ways.
 * @param repair whether to put right what follows from the things themselves: they are believed, their indexes are not
 */
export async function* verifyLedger(redis: Redis, run: RunScript, repair: boolean): AsyncGenerator<Flaw> {
  const told = new Set<string>();
  const keys = await everyKey(redis);
  const strange = await ofWrongType(redis, keys);
  yield* strange;
  // What every transition fails at can't be compared with anything.
  if (strange.length > 0) return;
  yield* await unreadableFields(redis);
  const damages = await damagedThings(redis, keys);
  for (const { kind, id, why } of damages)
    yield { subject: `${kind} ${id}`, sentence: `can not be read (${why})`, repaired: false };
  const damaged = new Set(damages.map(({ kind, id }) => `${kind} ${id}`));
  const looks = async function* (): AsyncGenerator<[Kind, string, ...string[]]> {
    for (const key of keys) for await (const look of namedIn(redis, key)) yield look;
    // What is there comes last: by then no index names what isn't.
    for (const key of keys) {
      const name = nameOf(key);
      for (const [form, kind] of SUBJECTS) {
        const id = form.exec(name)?.[1];
        if (id) yield [kind, id];
      }
    }
  };
  for await (const all of inBatches(looks())) {
    const batch = all.filter(([kind, id]) => !damaged.has(`${kind} ${id}`));
    const answers = await Promise.all(
      batch.map(([kind, id, ...place]) => run('verify', id, kind, id, repair ? 1 : '', ...place)),
    );
    for (const [i, { values }] of answers.entries()) {
      const [kind, id] = batch[i] as [Kind, string];
      for (let at = 0; at < values.length; at += 2) {
        const flaw = {
          subject: `${kind} ${id}`,
          sentence: values[at] as string,
          repaired: values[at + 1] === '1',
        };
        const line = `${flaw.subject} ${flaw.sentence}`;
        if (!told.has(line)) yield flaw;
        told.add(line);
      }
    }
  }
}

const nameOf = (key: string): string => key.slice(PREFIX.length + 1);

async function everyKey(redis: Redis): Promise<string[]> {
  const keys = new Set<string>();
  for await (const some of redis.scanStream({ match: `${PREFIX}:*`, count: AT_ONCE }))
    for (const key of some as string[]) keys.add(key);
  return [...keys];
}

async function ofWrongType(redis: Redis, keys: readonly string[]): Promise<Flaw[]> {
  const flaws: Flaw[] = [];
  const expected = keys.flatMap((key) => {
    const type = TYPES.find(([form]) => form.test(nameOf(key)))?.[1];
    return type ? [{ key, type }] : [];
  });
  for (let i = 0; i < expected.length; i += AT_ONCE) {
    const some = expected.slice(i, i + AT_ONCE);
    const found = await Promise.all(some.map(({ key }) => redis.type(key)));
    for (const [at, { key, type }] of some.entries()) {
      // It may have gone meanwhile.
      if (found[at] === type || found[at] === 'none') continue;
      const sentence = `is a ${found[at]} where a ${type} belongs: remove it, and verify again`;
      flaws.push({ subject: `key ${key}`, sentence, repaired: false });
    }
  }
  return flaws;
}

async function unreadableFields(redis: Redis): Promise<Flaw[]> {
  const flaws: Flaw[] = [];
  for (const name of JSON_HASHES) {
    for (const [field, value] of Object.entries(await redis.hgetall(KEYS[name]))) {
      if (isJson(value)) continue;
      const sentence = `has no JSON in its field ${field}: remove that (HDEL)`;
      flaws.push({ subject: `key ${KEYS[name]}`, sentence, repaired: false });
    }
  }
  return flaws;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function damagedThings(redis: Redis, keys: readonly string[]): Promise<DamagedRecord[]> {
  const damaged: DamagedRecord[] = [];
  const things = keys.filter((key) => hasForm(nameOf(key)));
  for (let i = 0; i < things.length; i += AT_ONCE) {
    const some = things.slice(i, i + AT_ONCE);
    const hashes = await Promise.all(some.map((key) => redis.hgetall(key)));
    for (const [at, key] of some.entries()) {
      const hash = hashes[at] as Record<string, string>;
      const damage = isThere(hash) ? damageUnder(nameOf(key), hash) : null;
      if (damage) damaged.push(damage);
    }
  }
  return damaged;
}

/** What an index names. */
async function* namedIn(redis: Redis, key: string): AsyncGenerator<[Kind, string, ...string[]]> {
  const [, kind, idOf] = INDEXES.find(([form]) => form.test(nameOf(key))) ?? [];
  if (!kind || !idOf) return;
  const type = await redis.type(key);
  const options = { count: AT_ONCE };
  if (type === 'set') {
    for await (const some of redis.sscanStream(key, options))
      for (const member of some as string[]) yield [kind, idOf(member, ''), key, member];
    return;
  }
  const pairs = type === 'zset' ? redis.zscanStream(key, options) : redis.hscanStream(key, options);
  for await (const some of pairs) {
    const flat = some as string[];
    for (let i = 0; i < flat.length; i += 2) {
      const [member, value] = [flat[i] as string, flat[i + 1] as string];
      if (kind === 'device') yield [kind, member];
      else yield [kind, idOf(member, value), key, member];
    }
  }
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
