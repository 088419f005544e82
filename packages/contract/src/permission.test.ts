import { describe, expect, it } from 'vitest';
import { judge, type Kind, type Verdict, type Visibility, whyForbidden } from './permission.js';
import type { Role } from './user.js';

const yes: Verdict = 'allowed';
const no: Verdict = 'forbidden';
const hidden: Verdict = 'hidden';

/** own, another's, nobody's (or not known yet) */
type Row = [own: Verdict, others: Verdict, nobodys: Verdict];
const ALL: Row = [yes, yes, yes];
const NONE: Row = [no, no, no];

const TABLE: Record<Visibility, Record<Role, Record<Kind, Row>>> = {
  all: {
    admin: { look: ALL, see: ALL, submit: ALL, change: ALL, own: ALL, administer: ALL },
    user: {
      look: ALL,
      see: ALL,
      submit: [yes, no, yes],
      change: [yes, no, yes],
      own: [yes, no, yes],
      administer: NONE,
    },
    viewer: { look: ALL, see: ALL, submit: NONE, change: NONE, own: [yes, no, yes], administer: NONE },
  },
  own: {
    admin: { look: ALL, see: ALL, submit: ALL, change: ALL, own: ALL, administer: ALL },
    user: {
      look: ALL,
      see: [yes, hidden, yes],
      submit: [yes, no, yes],
      change: [yes, hidden, yes],
      own: [yes, no, yes],
      administer: NONE,
    },
    viewer: {
      look: ALL,
      see: [yes, hidden, yes],
      submit: NONE,
      change: [no, hidden, no],
      own: [yes, no, yes],
      administer: NONE,
    },
  },
};

const cases = Object.entries(TABLE).flatMap(([visibility, roles]) =>
  Object.entries(roles).flatMap(([role, kinds]) =>
    Object.entries(kinds).flatMap(([kind, row]) =>
      row.map((verdict, i) => ({
        visibility: visibility as Visibility,
        role: role as Role,
        kind: kind as Kind,
        whose: (['own', "another's", "nobody's"] as const)[i],
        isOwn: ([true, false, null] as const)[i] as boolean | null,
        verdict,
      })),
    ),
  ),
);

describe('who may do what', () => {
  it('is said for every role, kind and owner', () => expect(cases).toHaveLength(2 * 3 * 6 * 3));

  it.each(cases)(
    'visibility $visibility: $role, $kind, $whose: $verdict',
    ({ role, kind, isOwn, visibility, verdict }) => {
      expect(judge(role, kind, isOwn, visibility)).toBe(verdict);
    },
  );
});

it.each<[Role, Kind, string | null, string]>([
  ['user', 'administer', null, 'Only admins may do this; vic is a user'],
  ['user', 'change', 'ada', "It is ada's, and vic is no admin"],
  ['viewer', 'change', 'ada', 'vic is a viewer, and may look only'],
  ['viewer', 'submit', null, 'vic is a viewer, and may look only'],
  ['viewer', 'own', 'ada', "It is ada's, and vic is no admin"],
])('a %s who may not %s learns why', (role, kind, owner, why) => {
  expect(whyForbidden({ name: 'vic', role }, kind, owner)).toBe(why);
});
