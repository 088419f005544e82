import type { Role } from '@berth/contract';

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

/** Every operation of the API. One that is missing here is for admins alone. */
export const OPERATIONS: Readonly<Record<string, Kind>> = {
  getMe: 'look',
  listDevices: 'look',
  getDevice: 'look',
  getDeviceHistory: 'look',
  getUsage: 'look',
  getTimeline: 'look',
  getQueue: 'see',
  getPrometheusMetrics: 'look',
  examine: 'look',
  followEvents: 'look',
  followJobEvents: 'see',
  listJobs: 'see',
  getJob: 'see',
  getJobMetrics: 'see',
  explainJob: 'see',
  getLogs: 'see',
  getGroup: 'see',
  listSchedules: 'see',
  getSchedule: 'see',
  submitJob: 'submit',
  submitBatch: 'submit',
  createSchedule: 'submit',
  cancelJob: 'change',
  holdJob: 'change',
  releaseJob: 'change',
  requeueJob: 'change',
  changeJob: 'change',
  drillJob: 'change',
  cancelGroup: 'change',
  deleteSchedule: 'change',
  pauseSchedule: 'change',
  resumeSchedule: 'change',
  runSchedule: 'change',
  listTokens: 'own',
  createToken: 'own',
  revokeToken: 'own',
  listUsers: 'administer',
  createUser: 'administer',
  changeUser: 'administer',
  deleteUser: 'administer',
  drainDevice: 'administer',
  resumeDevice: 'administer',
  shutDown: 'administer',
  exportLedger: 'administer',
  importLedger: 'administer',
};

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
