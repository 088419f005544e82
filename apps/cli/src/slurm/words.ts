import type { Device, Job, JobState } from '@berth/contract';

/** The one queue, as those know it who have partitions. */
export const PARTITION = 'gpu';

const STATES: Record<JobState, string> = {
  pending: 'PD',
  starting: 'CF',
  running: 'R',
  stopping: 'CG',
  succeeded: 'CD',
  failed: 'F',
  cancelled: 'CA',
};

const LONG_STATES: Record<string, string> = {
  PENDING: 'PD',
  CONFIGURING: 'CF',
  RUNNING: 'R',
  COMPLETING: 'CG',
  COMPLETED: 'CD',
  FAILED: 'F',
  TIMEOUT: 'TO',
  OUT_OF_MEMORY: 'OOM',
  CANCELLED: 'CA',
};

const REASONS: Record<NonNullable<Job['reason']>['code'], string> = {
  held: 'JobHeldUser',
  dependency: 'Dependency',
  start_after: 'BeginTime',
  backoff: 'BeginTime',
  quota: 'QOSMaxGRESPerUser',
  max_parallel: 'JobArrayTaskLimit',
  no_matching_device: 'BadConstraints',
  draining: 'ReqNodeNotAvail',
  resources: 'Resources',
  priority: 'Priority',
};

/** `R`, `PD` …, as squeue abbreviates states. */
export function slurmState({ state, cause }: Pick<Job, 'state' | 'cause'>): string {
  if (state === 'failed' && cause?.code === 'time_limit') return 'TO';
  if (state === 'failed' && cause?.code === 'out_of_memory') return 'OOM';
  return STATES[state];
}

/** The abbreviations that `-t R,PENDING` asks for; null: all. */
export function statesAsked(text: string | undefined): ReadonlySet<string> | null {
  if (text === undefined || text.toLowerCase() === 'all') return null;
  return new Set(
    text.split(',').map((each) => {
      const name = each.trim().toUpperCase();
      return LONG_STATES[name] ?? name;
    }),
  );
}

/** The node that it has, or why it has none. */
export function nodeOrReason({ state, reason, attempts }: Job): string {
  if (state === 'pending') return `(${reason ? REASONS[reason.code] : 'None'})`;
  return attempts.at(-1)?.node ?? '';
}

/** `1-02:03:04`, `2:03:04`, `3:04`, as squeue prints times. */
export function slurmTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (figure: number): string => String(figure).padStart(2, '0');
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24];
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  if (days > 0) return `${days}-${two(hours)}:${rest}`;
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}

/** What sinfo would say of a node with these devices. */
export function nodeState(devices: readonly Device[]): string {
  const usable = devices.filter(({ obstacles }) => obstacles.length === 0);
  if (usable.length === 0) return devices.some(({ holders }) => holders.length > 0) ? 'drng' : 'drain';
  const held = usable.filter(({ holders }) => holders.length > 0).length;
  return held === 0 ? 'idle' : held === usable.length ? 'alloc' : 'mix';
}
