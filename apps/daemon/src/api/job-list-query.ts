import { GroupIdSchema, JobStateSchema, ScheduleIdSchema, UserSchema } from '@berth/contract';
import { z } from 'zod';
import type { JobFilter } from '../ledger/job-pages.js';
import type { ApiContext } from './context.js';
import { invalidRequest } from './problem.js';
import { severalOf } from './several.js';
import { MomentSchema, momentOf } from './stretch.js';

const CursorSchema = z.string().regex(/^\d{1,15}$/, 'is no cursor that a list gave');
const LabelSchema = z
  .string()
  .regex(/^[^=]{1,63}(=.{0,255})?$/s, 'write name=value, or a name alone for any value');

/** What `GET /v1/jobs` may be asked for. */
export const JobListQuerySchema = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .meta({ description: 'The most jobs on a page.', example: 20 }),
  cursor: CursorSchema.optional().meta({ description: 'The `nextCursor` of the page before.' }),
  state: severalOf(JobStateSchema, { commas: true }).meta({
    description: 'Any of these: repeated, or separated by commas.',
    example: ['pending', 'running'],
  }),
  user: UserSchema.optional().meta({ example: 'ada' }),
  name: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Somewhere in the name, in small or large letters.', example: 'train' }),
  label: severalOf(LabelSchema).meta({
    description: 'All of these: `name=value`, or a name alone for any value.',
    example: ['project=vision'],
  }),
  device: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'A device that an attempt had: its UUID, or its index.', example: '0' }),
  group: GroupIdSchema.optional(),
  schedule: ScheduleIdSchema.optional(),
  since: MomentSchema.optional().meta({
    description: 'Submitted at this time (RFC 3339) or later, or at most so long ago.',
    examples: ['1d', '2026-11-21T02:00:00Z'],
  }),
  until: MomentSchema.optional().meta({ description: 'Submitted before; likewise.' }),
});

/** @throws ApiProblem `invalid_request` for a device that nobody has heard of */
export function jobFilterOf(
  {
    state,
    label,
    user,
    name,
    device,
    group,
    schedule,
    since,
    until,
  }: Omit<z.infer<typeof JobListQuerySchema>, 'limit' | 'cursor'>,
  { devices }: ApiContext,
): JobFilter {
  const now = Date.now();
  return {
    states: state ?? [],
    labels: (label ?? []).map((text) => {
      const [, labelled, value] = /^([^=]*)(?:=(.*))?$/s.exec(text) as unknown as [string, string, string?];
      return { name: labelled, value: value ?? null };
    }),
    user: user ?? null,
    name: name ?? null,
    device: device === undefined ? null : uuidOf(device, devices),
    group: group ?? null,
    schedule: schedule ?? null,
    since: since === undefined ? null : momentOf(since, now),
    until: until === undefined ? null : momentOf(until, now),
  };
}

/** A device that is gone may still be asked for, by its whole UUID. */
function uuidOf(name: string, devices: ApiContext['devices']): string {
  const uuid = devices.facts(name)?.uuid ?? (/^(GPU|MIG)-[0-9a-f-]{36}$/i.test(name) ? name : null);
  if (uuid) return uuid;
  const detail = `there is no device ${name}; name it by its index, or one that is gone by its whole UUID`;
  throw invalidRequest([{ pointer: 'device', detail }]);
}
