import type { BatchSubmissionInput, Group } from '@berth/contract';
import type { RequestOptions, SubmitOptions } from './jobs.js';
import type { Transport } from './transport.js';

/** A group's id, or the group itself. */
export type GroupReference = string | Pick<Group, 'id'>;

/** Ten thousand jobs take longer than one. */
const BATCH_SECONDS = 120;

/** Jobs that are submitted together. */
export class Groups {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Submits many jobs: a list, or a template and what varies. A lost answer is asked for again with the same key. */
  submit(batch: BatchSubmissionInput, options: SubmitOptions = {}): Promise<Group> {
    const call = { method: 'POST', makes: true, path: '/v1/jobs/batch', body: batch } as const;
    return this.transport.json({ ...call, timeoutSeconds: BATCH_SECONDS, ...options });
  }

  /** How far its jobs are. */
  get(group: GroupReference, options: RequestOptions = {}): Promise<Group> {
    return this.transport.json({ path: pathOf(group), ...options });
  }

  /** Cancels all of its jobs that haven't ended. */
  cancel(group: GroupReference, options: RequestOptions = {}): Promise<Group> {
    return this.transport.json({ method: 'POST', path: `${pathOf(group)}/cancel`, ...options });
  }
}

function pathOf(group: GroupReference): string {
  return `/v1/groups/${encodeURIComponent(typeof group === 'object' ? group.id : group)}`;
}
