import type { Notice, Restart, XidReport } from '@berth/contract';
import type { Drain, PassingObstacle } from './devices.js';
import type { LedgerEvent } from './event-feed.js';

/** What happened and what Berth did, where an event's type alone doesn't say it. */
export function sentenceOf({ type, more }: Pick<LedgerEvent, 'type' | 'more'>): string | undefined {
  if (more === null) return undefined;
  switch (type) {
    case 'device.drained':
    case 'device.worker_restarted':
    case 'redis.restarted':
    case 'daemon.restarted':
    case 'job.noticed':
      return (JSON.parse(more) as Drain | Restart | Notice).sentence;
    case 'device.obstructed':
      return (JSON.parse(more) as PassingObstacle[]).map(({ sentence }) => sentence).join('; ');
    case 'device.xid': {
      const { xid, meaning } = JSON.parse(more) as XidReport;
      return `XID ${xid}: ${meaning}`;
    }
    default:
      return undefined;
  }
}
