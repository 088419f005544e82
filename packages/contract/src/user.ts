import { z } from 'zod';
import { durationInput } from './units.js';

/** Names that every JavaScript object knows: as keys they would find what nobody put there. */
const isNoPrototypeKey = (name: string): boolean => !(name in Object.prototype);

export const UserSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9._-]{0,31}$/, 'is no user name: letters, digits, dots, dashes; at most 32')
  .refine(isNoPrototypeKey, 'is no user name: it means something in JavaScript');

export const RoleSchema = z.enum(['admin', 'user', 'viewer']).meta({
  id: 'Role',
  description:
    '`viewer`: sees. `user`: submits jobs, and changes their own. `admin`: everything, also for others.',
});
export type Role = z.infer<typeof RoleSchema>;

const TimeSchema = z.iso.datetime();
const UnixAccountSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9._-]{0,31}\$?$/, 'is no name of a Unix account');

export const RegisteredUserSchema = z
  .object({
    name: z.string(),
    role: RoleSchema,
    disabled: z.boolean().meta({ description: 'Whether nobody gets in by this name.' }),
    unixAccount: z.string().nullable().meta({
      description: "The account of the host that their jobs run as; null: the daemon's own.",
    }),
    createdAt: TimeSchema,
  })
  .meta({ id: 'User', description: 'Somebody who may use Berth.' });
export type RegisteredUser = z.infer<typeof RegisteredUserSchema>;

export const UserListSchema = z.object({ items: z.array(RegisteredUserSchema) }).meta({ id: 'UserList' });
export type UserList = z.infer<typeof UserListSchema>;

export const UserSubmissionSchema = z
  .strictObject({
    name: UserSchema,
    role: RoleSchema.default('user'),
    unixAccount: UnixAccountSchema.nullable()
      .default(null)
      .meta({
        description:
          "The account of the host that their jobs run as; null: the daemon's own. Where the daemon runs as root, users without one can " +
          'submit nothing, unless its setting `rootJobs` names them.',
      }),
  })
  .meta({ id: 'UserSubmission', description: 'A new user.' });
export type UserSubmission = z.infer<typeof UserSubmissionSchema>;
export type UserSubmissionInput = z.input<typeof UserSubmissionSchema>;

export const UserChangeSchema = z
  .strictObject({
    role: RoleSchema.optional(),
    unixAccount: UnixAccountSchema.nullable().optional(),
    disabled: z.boolean().optional(),
  })
  .refine(
    (change) => Object.values(change).some((value) => value !== undefined),
    'nothing to change is named',
  )
  .meta({ id: 'UserChange' });
export type UserChange = z.infer<typeof UserChangeSchema>;

export const TokenIdSchema = z
  .string()
  .regex(/^tok_[0-9a-hjkmnp-tv-z]{21}$/, 'the id of a token looks like tok_ and 21 letters and digits')
  .meta({ id: 'TokenId', description: 'Names a token; it opens nothing.' });
export type TokenId = z.infer<typeof TokenIdSchema>;

export const TokenSchema = z
  .object({
    id: TokenIdSchema,
    user: z.string(),
    name: z.string().meta({ description: 'What it is for.' }),
    createdAt: TimeSchema,
    expiresAt: TimeSchema.nullable().meta({ description: 'null: never.' }),
    lastUsedAt: TimeSchema.nullable().meta({ description: 'To the minute; null: not yet.' }),
  })
  .meta({ id: 'Token', description: 'What is known of a token; not the token itself.' });
export type Token = z.infer<typeof TokenSchema>;

export const TokenListSchema = z.object({ items: z.array(TokenSchema) }).meta({ id: 'TokenList' });
export type TokenList = z.infer<typeof TokenListSchema>;

export const TokenSubmissionSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(100)
      .refine((name) => !/\p{Cc}/u.test(name), 'must not contain control characters')
      .default('token')
      .meta({ description: 'What it is for.', examples: ['laptop'] }),
    expiresIn: durationInput({ positive: true, max: 315_360_000 })
      .optional()
      .meta({
        description: 'After this long it opens nothing any more. Seconds, or text. Default: never.',
        examples: ['90d'],
      }),
  })
  .meta({ id: 'TokenSubmission', description: 'A token that somebody wants.' });
export type TokenSubmission = z.infer<typeof TokenSubmissionSchema>;
export type TokenSubmissionInput = z.input<typeof TokenSubmissionSchema>;

export const NewTokenSchema = TokenSchema.extend({
  token: z.string().meta({ description: 'The token itself. It is shown here only, and kept as a digest.' }),
}).meta({ id: 'NewToken', description: 'A token that was just made.' });
export type NewToken = z.infer<typeof NewTokenSchema>;

export const MeSchema = z
  .object({
    name: z.string(),
    role: RoleSchema,
    unixAccount: z.string().nullable(),
    by: z.enum(['token', 'dataDirectory', 'socket']).meta({
      description:
        "How they are known: by a token of theirs, by the data directory's token, or by the account at the unix socket's other end.",
    }),
    token: TokenIdSchema.nullable().meta({ description: 'The token that was sent, if it is one of theirs.' }),
    expiresAt: TimeSchema.nullable().meta({ description: 'Until when that token is good; null: for ever.' }),
  })
  .meta({ id: 'Me', description: 'Who asks.' });
export type Me = z.infer<typeof MeSchema>;
