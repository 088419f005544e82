import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { WrongLedger } from './identity.js';
import { KEYS, PREFIX } from './keys.js';
import { LedgerRefusal, type RefusalCode } from './refusal.js';

const SCRIPTS = [
  'submit',
  'assign',
  'claim',
  'start',
  'stop',
  'preempt',
  'drill',
  'signalled',
  'finish',
  'lead',
  'register_devices',
  'note_reasons',
  'drain',
  'resume',
  'obstruct',
  'report_xid',
  'note_restart',
  'notice',
  'note_peak',
  'note_activity',
  'hold',
  'requeue',
  'change',
  'open_group',
  'count_group',
  'create_schedule',
  'enable_schedule',
  'first_since',
  'run_schedule',
  'skip_run',
  'reschedule',
  'delete_schedule',
  'verify',
  'export_rest',
  'forget',
  'remove_logs',
  'add_user',
  'change_user',
  'remove_user',
  'add_token',
  'revoke_token',
  'use_token',
  'use_socket',
  'use_key',
] as const;
export type Script = (typeof SCRIPTS)[number];

const DIRECTORY = new URL('../../lua/', import.meta.url);

/** Runs one transition; answers what follows its `ok`. @throws LedgerRefusal, WrongLedger */
export type RunScript = (
  script: Script,
  subject: string,
  ...argv: (string | number)[]
) => Promise<{ outcome: string; values: string[] }>;

/** Is told of each transition that was answered, and how long that took. */
export type ObserveTransition = (script: Script, seconds: number) => void;

const identities = new WeakMap<Redis, string>();

/** From now on the transitions that go over this connection are refused by any other ledger. */
export function bindToLedger(redis: Redis, identity: string): void {
  identities.set(redis, identity);
}

/** Teaches a connection the ledger's transitions (by `EVALSHA`, so their text travels once). */
export function loadScripts(redis: Redis, observe: ObserveTransition = () => undefined): RunScript {
  const common = readFileSync(new URL('common.lua', DIRECTORY), 'utf8');
  for (const script of SCRIPTS) {
    const lua = `${common}\n${readFileSync(new URL(`${script}.lua`, DIRECTORY), 'utf8')}`;
    redis.defineCommand(commandName(script), { lua });
  }
  const commands = redis as unknown as Record<string, (...argv: (string | number)[]) => Promise<string[]>>;
  return async (script, subject, ...argv) => {
    const asked = performance.now();
    const identity = identities.get(redis);
    const keys = identity === undefined ? [PREFIX] : [PREFIX, `${KEYS.identity}:${identity}`];
    const [outcome, ...values] = (await commands[commandName(script)]?.(keys.length, ...keys, ...argv)) ?? [];
    observe(script, (performance.now() - asked) / 1000);
    if (outcome === 'wrong_ledger') throw new WrongLedger('Redis does not hold the ledger that is meant');
    if (outcome !== 'ok' && outcome !== 'replayed') {
      throw new LedgerRefusal(script, subject, outcome as RefusalCode, values);
    }
    return { outcome, values };
  };
}

const commandName = (script: Script): string => `berth_${script}`;
