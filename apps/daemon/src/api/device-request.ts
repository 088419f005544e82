import type { Constraints, JobSubmission } from '@berth/contract';
import { type DeviceFacts, parseRequest } from '@berth/cuda-core';
import { describe, fits, policyOf } from '@berth/scheduler';
import type { ApiContext } from './context.js';
import type { FieldErrors } from './problem.js';

/** Which devices a job may have, and how many of them. */
export interface DeviceRequest {
  /** What its mask names, in that order; null: it has none. */
  readonly candidates: string[] | null;
  readonly gpus: number;
  readonly constraints: Constraints | null;
  /** Those of this host that it may have, whatever its constraints. */
  readonly usable: readonly DeviceFacts[];
}

/** The devices that a user's job asks for; what is wrong with that, as this host is, goes into `errors`. */
export function deviceRequestOf(
  submission: JobSubmission,
  user: string,
  context: ApiContext,
  errors: FieldErrors,
): DeviceRequest {
  const { devices: present } = context.inventory;
  const refuse = (field: string, detail: string | null): void => {
    if (detail !== null) errors.push({ pointer: `#/${field}`, detail });
  };
  const mask = submission.devices === undefined ? null : parseRequest(submission.devices, [...present]);
  for (const { message } of mask?.ok === false ? mask.problems : []) refuse('devices', message);
  const candidates = mask?.ok ? mask.uuids : null;
  const usable = candidates ? present.filter(({ uuid }) => candidates.includes(uuid)) : present;
  const gpus = submission.gpus ?? candidates?.length ?? 1;
  const constraints = constraintsOf(submission);
  const request = { candidates, gpus, constraints, usable };

  refuse('gpus', whyTooMany(request, context));
  if (gpus > 1 && candidates && submission.launch === 'single') refuse('devices', whyNotTogether(usable));
  if (gpus > 1 && !candidates) refuse('gpus', whyTooFewWhole(gpus, present));
  // Where more is wrong, how many are meant isn't known: one has to be there.
  refuse('constraints', whyTooFewFit(request, errors.length === 0 ? gpus : 1, context));
  refuse('gpus', whyNotAllowed(gpus, user, context));
  if (submission.sharing && gpus > 1)
    refuse(
      'sharing',
      `only a job of one device can share it; its mask names ${gpus}: add gpus: 1 to have any one of these`,
    );
  return request;
}

const counted = (devices: number): string => `${devices} ${devices === 1 ? 'device' : 'devices'}`;

function whyTooMany({ candidates, gpus }: DeviceRequest, context: ApiContext): string | null {
  if (candidates && gpus > candidates.length)
    return `asks for ${counted(gpus)}, but the mask names ${candidates.length}`;
  return gpus > context.inventory.devices.length
    ? `asks for ${counted(gpus)}; ${describeDevices(context)}`
    : null;
}

function whyNotTogether(usable: readonly DeviceFacts[]): string | null {
  if (usable.every(({ mig }) => mig === null)) return null;
  return (
    'names MIG instances for a job of several devices, but CUDA shows a process one instance alone, and no GPU beside it; ' +
    'ask for gpus: 1, or for launch: "perDevice"'
  );
}

function whyTooFewWhole(gpus: number, present: readonly DeviceFacts[]): string | null {
  const whole = present.filter(({ mig }) => mig === null).length;
  if (gpus <= whole || gpus > present.length) return null;
  return `asks for ${counted(gpus)}, but only ${whole} of this host's ${present.length} are whole GPUs; a process sees one MIG instance alone`;
}

function whyTooFewFit(
  { constraints, usable, gpus }: DeviceRequest,
  needed: number,
  context: ApiContext,
): string | null {
  if (!constraints) return null;
  const fitting = usable.filter((facts) => fits(asDevice(facts, context), constraints)).length;
  if (fitting >= needed) return null;
  const asked = `${gpus} ${gpus === 1 ? 'is' : 'are'} asked for`;
  return `${fitting} of ${usable.length} devices are ${describe(constraints)}, but ${asked}; ${describeDevices(context)}`;
}

function whyNotAllowed(gpus: number, user: string, { scheduling }: ApiContext): string | null {
  const { gpus: most } = policyOf(scheduling.state().policy, user);
  if (most === null || gpus <= most) return null;
  return `asks for ${counted(gpus)}, but ${user} may hold ${most} at a time (the daemon's setting \`users\`)`;
}

function constraintsOf({ constraints }: JobSubmission): Constraints | null {
  if (!constraints || Object.keys(constraints).length === 0) return null;
  const { model, minMemory, minComputeCapability, node, labels } = constraints;
  return {
    model: model ?? null,
    minMemoryBytes: minMemory ?? null,
    minComputeCapability: minComputeCapability ?? null,
    node: node ?? null,
    labels: labels ?? {},
  };
}

function asDevice(facts: DeviceFacts, { node, labels }: ApiContext) {
  const { uuid, name, memoryTotalBytes, computeCapability } = facts;
  return {
    model: name,
    memoryBytes: memoryTotalBytes,
    computeCapability,
    node,
    labels: labels.get(uuid) ?? {},
  };
}

function describeDevices({ inventory }: ApiContext): string {
  const { devices, problem } = inventory;
  if (problem) return `this host has none: ${problem.detail}`;
  if (devices.length === 0) return 'this host has none that the daemon may use';
  const named = devices.map(({ index, mig, name }) => `${index}${mig ? `:${mig.index}` : ''} (${name})`);
  return `this host has ${devices.length}: ${named.join(', ')}`;
}
