/** All keys of Berth share one hash tag, so that its scripts also run on a Redis Cluster. */
export const PREFIX = '{berth}';

export const KEYS = {
  jobs: `${PREFIX}:jobs`,
  queue: `${PREFIX}:queue`,
  numbers: `${PREFIX}:numbers`,
  reasons: `${PREFIX}:reasons`,
  devices: `${PREFIX}:devices`,
  allocations: `${PREFIX}:allocations`,
  usage: `${PREFIX}:usage`,
  lastUsed: `${PREFIX}:lastUsed`,
  peaks: `${PREFIX}:peaks`,
  drains: `${PREFIX}:drains`,
  obstacles: `${PREFIX}:obstacles`,
  xids: `${PREFIX}:xids`,
  events: `${PREFIX}:events`,
  group: (id: string): string => `${PREFIX}:group:${id}`,
  jobsOfGroup: (id: string): string => `${PREFIX}:group:${id}:jobs`,
  /** Ids of all schedules, by when they were made. */
  schedules: `${PREFIX}:schedules`,
  schedule: (id: string): string => `${PREFIX}:schedule:${id}`,
  jobsOfSchedule: (id: string): string => `${PREFIX}:schedule:${id}:jobs`,
  users: `${PREFIX}:users`,
  user: (name: string): string => `${PREFIX}:user:${name}`,
  tokensOfUser: (name: string): string => `${PREFIX}:user:${name}:tokens`,
  token: (id: string): string => `${PREFIX}:token:${id}`,
  job: (id: string): string => `${PREFIX}:job:${id}`,
  inState: (state: string): string => `${PREFIX}:state:${state}`,
  control: (device: string): string => `${PREFIX}:control:${device}`,
} as const;
