/** How to call an operation: what follows `curl` and the token, with `$BERTH_URL`, and `$JOB`, `$GROUP`, `$SCHEDULE`, `$NAME` (a user), `$TOKEN` for ids, `$FILE`. */
export interface Sample {
  method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** A file to send as the body, by PUT. */
  upload?: string;
  /** Goes on until it is ended. */
  endless?: boolean;
  /** Needs no token. */
  open?: boolean;
}

/** One for each operation of the API, by its id. Tests send every one of them to a daemon. */
export const SAMPLES: Record<string, Sample> = {
  isAlive: { path: '/healthz', open: true },
  isReady: { path: '/readyz', open: true },
  submitJob: {
    method: 'POST',
    path: '/v1/jobs',
    headers: { 'Idempotency-Key': 'train-2026-11-21' },
    body: {
      command: ['python3', 'train.py', '--lr', '0.1'],
      workingDirectory: '/tmp',
      name: 'train',
      labels: { project: 'vision' },
      environment: { OMP_NUM_THREADS: '4' },
      gpus: 2,
      timeLimit: '2h',
      retry: { limit: 2, backoff: '1m' },
    },
  },
  listJobs: { path: '/v1/jobs?state=pending,running&label=project=vision&since=7d&limit=20' },
  getJob: { path: '/v1/jobs/$JOB?wait=1s&until=ended' },
  getJobMetrics: { path: '/v1/jobs/$JOB/metrics?since=10m&step=10s' },
  explainJob: { path: '/v1/jobs/$JOB/explain' },
  getLogs: { path: '/v1/jobs/$JOB/logs?tail=20' },
  followJobEvents: { path: '/v1/jobs/$JOB/events?after=0', endless: true },
  changeJob: { method: 'PATCH', path: '/v1/jobs/$JOB', body: { priority: 10, timeLimit: '4h' } },
  holdJob: { method: 'POST', path: '/v1/jobs/$JOB/hold' },
  releaseJob: { method: 'POST', path: '/v1/jobs/$JOB/release' },
  cancelJob: { method: 'POST', path: '/v1/jobs/$JOB/cancel' },
  requeueJob: { method: 'POST', path: '/v1/jobs/$JOB/requeue' },
  drillJob: { method: 'POST', path: '/v1/jobs/$JOB/drill' },
  submitBatch: {
    method: 'POST',
    path: '/v1/jobs/batch',
    body: {
      name: 'sweep',
      template: { command: ['python3', 'train.py', '--lr', '{lr}'], workingDirectory: '/tmp' },
      matrix: { lr: [0.1, 0.01], seed: [1, 2] },
      maxParallel: 2,
    },
  },
  getGroup: { path: '/v1/groups/$GROUP' },
  cancelGroup: { method: 'POST', path: '/v1/groups/$GROUP/cancel' },
  createSchedule: {
    method: 'POST',
    path: '/v1/schedules',
    body: {
      cron: '0 2 * * *',
      timeZone: 'Europe/Berlin',
      job: { command: ['python3', 'evaluate.py'], workingDirectory: '/tmp' },
    },
  },
  listSchedules: { path: '/v1/schedules' },
  getSchedule: { path: '/v1/schedules/$SCHEDULE' },
  pauseSchedule: { method: 'POST', path: '/v1/schedules/$SCHEDULE/pause' },
  resumeSchedule: { method: 'POST', path: '/v1/schedules/$SCHEDULE/resume' },
  runSchedule: { method: 'POST', path: '/v1/schedules/$SCHEDULE/run' },
  deleteSchedule: { method: 'DELETE', path: '/v1/schedules/$SCHEDULE' },
  followEvents: { path: '/v1/events?type=job.submitted,job.ended&after=0', endless: true },
  listDevices: { path: '/v1/devices' },
  getDevice: { path: '/v1/devices/0' },
  getDeviceHistory: { path: '/v1/devices/0/history?since=10m&step=10s' },
  drainDevice: { method: 'POST', path: '/v1/devices/0/drain', body: { reason: 'a new fan comes at noon' } },
  resumeDevice: { method: 'POST', path: '/v1/devices/0/resume' },
  getUsage: { path: '/v1/usage' },
  getPrometheusMetrics: { path: '/metrics?names=dcgm' },
  getQueue: { path: '/v1/queue?limit=20' },
  getTimeline: { path: '/v1/timeline?since=6h&limit=100' },
  getMe: { path: '/v1/me' },
  listUsers: { path: '/v1/users' },
  createUser: { method: 'POST', path: '/v1/users', body: { name: 'ada', role: 'user' } },
  changeUser: { method: 'PATCH', path: '/v1/users/$NAME', body: { role: 'viewer' } },
  deleteUser: { method: 'DELETE', path: '/v1/users/$NAME' },
  createToken: { method: 'POST', path: '/v1/users/$NAME/tokens', body: { name: 'laptop', expiresIn: '90d' } },
  listTokens: { path: '/v1/users/$NAME/tokens' },
  revokeToken: { method: 'DELETE', path: '/v1/tokens/$TOKEN' },
  shutDown: { method: 'POST', path: '/v1/shutdown', body: { jobs: 'leave' } },
  exportLedger: { path: '/v1/ledger' },
  importLedger: { method: 'PUT', path: '/v1/ledger', upload: '$FILE' },
  examine: { path: '/v1/doctor' },
};

/** A sample as a line of shell. */
export function curlOf({ method, path, headers = {}, body, upload, endless, open }: Sample): string {
  const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const parts = [
    `curl${endless ? ' -N' : ''}${method && !(method === 'POST' && body !== undefined) && upload === undefined ? ` -X ${method}` : ''}`,
    ...(open ? [] : ['-H "Authorization: Bearer $BERTH_TOKEN"']),
    ...Object.entries({ ...json, ...headers }).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(body === undefined ? [] : [`-d '${JSON.stringify(body)}'`]),
    ...(upload === undefined ? [] : [`-T "${upload}"`]),
    `"$BERTH_URL${path}"`,
  ];
  return parts.join(' \\\n  ');
}
