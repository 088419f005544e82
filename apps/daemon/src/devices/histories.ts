import type { DeviceHistory, HistoryPoint, JobId, JobMetrics } from '@berth/contract';
import type { DeviceSample } from '@berth/cuda-core';
import { History, type Step } from './history.js';

/** How many pasts of jobs that have ended are kept, counted by devices. */
const ENDED_KEPT = 256;

interface JobPast {
  attempt: number;
  devices: Map<string, { index: number; history: History }>;
}

/** A stretch of the past. Times in ms since the epoch; a step of null is as fine as is kept for so long. */
export interface Stretch {
  since: number;
  until: number;
  stepMs: number | null;
}

/** The past of every device and of the jobs on them, in memory: it begins with the daemon. */
export class Histories {
  private readonly devices = new Map<string, History>();
  /** In the order in which they were last seen. */
  private readonly jobs = new Map<JobId, JobPast>();

  /** Adds a sample, and to the past of each job that holds the device what its own processes have there. */
  add(
    device: { uuid: string; index: number },
    sample: DeviceSample,
    holders: readonly { job: JobId; attempt: number; ownBytes: number | null }[],
  ): void {
    const figures = {
      utilisation: sample.utilisation ?? Number.NaN,
      powerWatts: sample.powerWatts ?? Number.NaN,
      temperatureCelsius: sample.temperatureCelsius ?? Number.NaN,
    };
    let history = this.devices.get(device.uuid);
    if (!history) {
      history = new History();
      this.devices.set(device.uuid, history);
    }
    history.add(sample.takenAt, { ...figures, memoryUsedBytes: sample.memoryUsedBytes ?? Number.NaN });
    for (const holder of holders) {
      const memoryUsedBytes = holder.ownBytes ?? Number.NaN;
      this.historyOf(holder, device).add(sample.takenAt, { ...figures, memoryUsedBytes });
    }
  }

  /** Whether anything was seen of a job. */
  knows(job: JobId): boolean {
    return this.jobs.has(job);
  }

  /** The most that an attempt's processes had on a device at a time; null: that isn't known. */
  peakOf({ job, attempt }: { job: JobId; attempt: number }, device: string): number | null {
    const past = this.jobs.get(job);
    if (past?.attempt !== attempt) return null;
    const history = past.devices.get(device)?.history;
    return history ? orNull(history.peakMemoryBytes) : null;
  }

  /** null: no such device was ever sampled. */
  ofDevice(uuid: string, stretch: Stretch): DeviceHistory | null {
    const history = this.devices.get(uuid);
    return history ? { device: uuid, ...read(history, stretch) } : null;
  }

  ofJob(job: JobId, stretch: Stretch): Pick<JobMetrics, 'job' | 'attempt' | 'devices'> {
    const past = this.jobs.get(job);
    const devices = [...(past?.devices ?? [])].map(([uuid, { index, history }]) => ({
      device: uuid,
      index,
      ...read(history, stretch),
      peakMemoryBytes: orNull(history.peakMemoryBytes),
    }));
    return { job, attempt: past?.attempt ?? null, devices };
  }

  private historyOf(
    { job, attempt }: { job: JobId; attempt: number },
    device: { uuid: string; index: number },
  ): History {
    let past = this.jobs.get(job);
    if (past?.attempt !== attempt) past = { attempt, devices: new Map() };
    this.jobs.delete(job);
    this.jobs.set(job, past);
    let known = past.devices.get(device.uuid);
    if (!known) {
      known = { index: device.index, history: new History() };
      past.devices.set(device.uuid, known);
      this.forgetOldest();
    }
    return known.history;
  }

  private forgetOldest(): void {
    let kept = [...this.jobs.values()].reduce((sum, { devices }) => sum + devices.size, 0);
    for (const [job, { devices }] of this.jobs) {
      if (kept <= ENDED_KEPT + this.devices.size) return;
      this.jobs.delete(job);
      kept -= devices.size;
    }
  }
}

function read(
  history: History,
  { since, until, stepMs }: Stretch,
): { stepSeconds: number; points: HistoryPoint[] } {
  const { stepMs: step, steps } = history.read(since, until, stepMs);
  return { stepSeconds: step / 1000, points: steps.map(point) };
}

function point({ at, memoryUsedBytes, utilisation, powerWatts, temperatureCelsius }: Step): HistoryPoint {
  return {
    at: new Date(at).toISOString(),
    memoryUsedBytes: orNull(memoryUsedBytes),
    utilisation: orNull(utilisation),
    powerWatts: orNull(powerWatts),
    temperatureCelsius: orNull(temperatureCelsius),
  };
}

const orNull = (figure: number): number | null => (Number.isNaN(figure) ? null : figure);
