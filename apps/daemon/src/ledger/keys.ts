/** All keys of Berth share one hash tag, so that its scripts also run on a Redis Cluster. */
export const PREFIX = '{berth}';

export const KEYS = {
  /** Which ledger this is; see identity.ts. */
  identity: `${PREFIX}:identity`,
  /** Written to see whether Redis takes writes. */
  probe: `${PREFIX}:probe`,
  /** The version of what is written here; see ledger/schema.ts. */
  schema: `${PREFIX}:schema`,
  /** The last number that a job was given. */
  number: `${PREFIX}:number`,
  jobs: `${PREFIX}:jobs`,
  queue: `${PREFIX}:queue`,
  /** Ids of all jobs that have ended, by when. */
  ended: `${PREFIX}:ended`,
  /** All attempts that have ended, as `job attempt`, by when. */
  stays: `${PREFIX}:stays`,
  /** Whose files are still to be removed; see lua/forget.lua and lua/remove_logs.lua. */
  removals: `${PREFIX}:removals`,
  numbers: `${PREFIX}:numbers`,
  reasons: `${PREFIX}:reasons`,
  devices: `${PREFIX}:devices`,
  allocations: `${PREFIX}:allocations`,
  usage: `${PREFIX}:usage`,
  lastUsed: `${PREFIX}:lastUsed`,
  /** What jobs have used, in GPU-seconds: by their ids, of attempts that are over. */
  jobUse: `${PREFIX}:jobUse`,
  /** Likewise devices, by their UUIDs. */
  deviceUse: `${PREFIX}:deviceUse`,
  /** How busy devices were seen to be while they were held; see lua/note_activity.lua. */
  activity: `${PREFIX}:activity`,
  peaks: `${PREFIX}:peaks`,
  drains: `${PREFIX}:drains`,
  obstacles: `${PREFIX}:obstacles`,
  xids: `${PREFIX}:xids`,
  /** When processes of Berth had died: by the UUIDs of workers' devices, `redis` and `daemon`. */
  restarts: `${PREFIX}:restarts`,
  events: `${PREFIX}:events`,
  /** Up to where the events were read for notifications. */
  notified: `${PREFIX}:notified`,
  group: (id: string): string => `${PREFIX}:group:${id}`,
  jobsOfGroup: (id: string): string => `${PREFIX}:group:${id}:jobs`,
  /** Ids of all schedules, by when they were made. */
  schedules: `${PREFIX}:schedules`,
  schedule: (id: string): string => `${PREFIX}:schedule:${id}`,
  jobsOfSchedule: (id: string): string => `${PREFIX}:schedule:${id}:jobs`,
  users: `${PREFIX}:users`,
  /** The ids of all tokens, by the SHA-256 of what they are. */
  digests: `${PREFIX}:digests`,
  user: (name: string): string => `${PREFIX}:user:${name}`,
  tokensOfUser: (name: string): string => `${PREFIX}:user:${name}:tokens`,
  token: (id: string): string => `${PREFIX}:token:${id}`,
  job: (id: string): string => `${PREFIX}:job:${id}`,
  inState: (state: string): string => `${PREFIX}:state:${state}`,
  control: (device: string): string => `${PREFIX}:control:${device}`,
} as const;
