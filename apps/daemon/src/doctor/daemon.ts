import type { Finding, Restart } from '@berth/contract';
import { findingsOf } from './finding.js';
import { restartWords } from './restarts.js';

const { warning } = findingsOf('daemon');

/** Whether the daemon itself had died. @param restarts lately, newest first */
export function judgeDaemon(restarts: readonly Restart[]): Finding[] {
  const restarted = restartWords(restarts);
  return restarted === null ? [] : [warning('daemon-restarts', restarted)];
}
