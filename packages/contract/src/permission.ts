import type { Me, Role } from './user.js';

/**
 * What an operation of the API is, as far as permissions go.
 * - `look`: it shows what belongs to nobody.
 * - `see`: it shows something that has an owner.
 * - `submit`: it makes something that will have an owner.
 * - `change`: it changes something that has an owner.
 * - `own`: it is about the account of its owner: their tokens.
 * - `administer`: everything else.
 */
export type Kind = 'look' | 'see' | 'submit' | 'change' | 'own' | 'administer';

/** Whether users see what others have, or only what is their own. */
export type Visibility = 'all' | 'own';

/** `hidden`: they shall not even learn that it exists. */
export type Verdict = 'allowed' | 'forbidden' | 'hidden';

/**
 * Who may do what.
 * @param isOwn whether it belongs to who asks; null: it has no owner, or which one isn't known yet
 */
export function judge(role: Role, kind: Kind, isOwn: boolean | null, visibility: Visibility): Verdict {
  if (role === 'admin') return 'allowed';
  if (kind === 'look') return 'allowed';
  if (kind === 'administer') return 'forbidden';
  if (kind === 'own') return isOwn === false ? 'forbidden' : 'allowed';
  if (isOwn === false && visibility === 'own' && kind !== 'submit') return 'hidden';
  if (kind === 'see') return 'allowed';
  return role === 'user' && isOwn !== false ? 'allowed' : 'forbidden';
}

/** Why somebody is forbidden something, for people. @param owner whose it is; null: nobody's, or not known yet */
export function whyForbidden(
  { name, role }: Pick<Me, 'name' | 'role'>,
  kind: Kind,
  owner: string | null,
): string {
  if (kind === 'administer') return `Only admins may do this; ${name} is a ${role}`;
  const isOthers = owner !== null && owner !== name;
  if (isOthers && (role !== 'viewer' || kind === 'own')) return `It is ${owner}'s, and ${name} is no admin`;
  return `${name} is a ${role}, and may look only`;
}
