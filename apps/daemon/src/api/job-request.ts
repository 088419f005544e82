import { homedir } from 'node:os';
import { basename } from 'node:path';
import { type Constraints, type JobSubmission, makeJobId, type Problem } from '@berth/contract';
import { type DeviceFacts, parseRequest } from '@berth/cuda-core';
import { describe, fits, policyOf } from '@berth/scheduler';
import type { NewJob } from '../ledger/ledger.js';
import { type JobSpec, longestSeconds } from '../ledger/record.js';
import { maySee, submitterOf } from './access.js';
import { accountFor } from './account.js';
import type { Caller } from './caller.js';
import { checkpointSpec } from './checkpoint-request.js';
import type { ApiContext } from './context.js';
import { whyNoDirectory } from './directories.js';
import { limitsOf } from './limits.js';
import { invalidRequest } from './problem.js';
import { shareOf, sharingOf } from './sharing.js';

const INTERPRETER = /^(python[\d.]*|bash|sh)$/;
const PLAIN_PATH = /^[\w./-]{1,200}$/;

/**
 * Turns a submission that has the right form into a job, checked against what this host has.
 * @param caller who submits it; undefined: Berth itself, for the user whom it names
 * @throws ApiProblem `invalid_request` that names every bad field, `forbidden`
 */
export async function resolveSubmission(
  submission: JobSubmission,
  context: ApiContext,
  caller?: Caller,
): Promise<Omit<NewJob, 'idempotency'>> {
  const user = caller ? submitterOf(caller, submission.user) : (submission.user ?? context.user);
  const errors: NonNullable<Problem['errors']> = [];
  const { devices: present } = context.inventory;

  let candidates: string[] | null = null;
  if (submission.devices !== undefined) {
    const request = parseRequest(submission.devices, [...present]);
    if (request.ok) candidates = request.uuids;
    else errors.push(...request.problems.map(({ message }) => ({ pointer: '#/devices', detail: message })));
  }

  const gpus = submission.gpus ?? candidates?.length ?? 1;
  if (candidates && gpus > candidates.length) {
    errors.push({
      pointer: '#/gpus',
      detail: `asks for ${gpus} devices, but the mask names ${candidates.length}`,
    });
  } else if (gpus > present.length) {
    errors.push({
      pointer: '#/gpus',
      detail: `asks for ${gpus} devices; ${describeDevices(present, context)}`,
    });
  }

  const whole = present.filter(({ mig }) => mig === null).length;
  if (candidates && gpus > 1 && submission.launch === 'single') {
    const instances = present.filter(({ uuid, mig }) => mig && candidates?.includes(uuid));
    if (instances.length > 0) {
      errors.push({
        pointer: '#/devices',
        detail:
          'names MIG instances for a job of several devices, but CUDA shows a process one instance alone, and no GPU beside it; ' +
          'ask for gpus: 1, or for launch: "perDevice"',
      });
    }
  } else if (!candidates && gpus > 1 && gpus > whole && gpus <= present.length) {
    errors.push({
      pointer: '#/gpus',
      detail: `asks for ${gpus} devices, but only ${whole} of this host's ${present.length} are whole GPUs; a process sees one MIG instance alone`,
    });
  }

  const { account, home, problem } = await accountFor(user, context, caller);
  // Where nobody was named it is nothing in the body that is wrong.
  if (problem) errors.push({ pointer: submission.user === undefined ? '#' : '#/user', detail: problem });
  const workingDirectory = submission.workingDirectory ?? home ?? homedir();
  // What an account may see of the host that account finds out, when the job starts; not the daemon for it.
  const missing = account === null ? await whyNoDirectory(workingDirectory) : null;
  if (missing) errors.push({ pointer: '#/workingDirectory', detail: missing });

  const constraints = constraintsOf(submission);
  if (constraints) {
    const named = candidates ? present.filter(({ uuid }) => candidates?.includes(uuid)) : present;
    const fitting = named.filter((facts) => fits(asDevice(facts, context), constraints));
    // Where more is wrong, how many are meant isn't known: one has to be there.
    if (fitting.length < (errors.length === 0 ? gpus : 1)) {
      errors.push({
        pointer: '#/constraints',
        detail: `${fitting.length} of ${named.length} devices are ${describe(constraints)}, but ${gpus} ${gpus === 1 ? 'is' : 'are'} asked for; ${describeDevices(present, context)}`,
      });
    }
  }
  const { gpus: most } = policyOf(context.scheduling.state().policy, user);
  if (most !== null && gpus > most) {
    const detail = `asks for ${gpus} devices, but ${user} may hold ${most} at a time (the daemon's setting \`users\`)`;
    errors.push({ pointer: '#/gpus', detail });
  }
  const name = submission.name ?? defaultName(submission.command);
  if (submission.sharing && gpus > 1) {
    const detail = `only a job of one device can share it; its mask names ${gpus}: add gpus: 1 to have any one of these`;
    errors.push({ pointer: '#/sharing', detail });
  }
  const usable = candidates ? present.filter(({ uuid }) => candidates?.includes(uuid)) : present;
  const sharing = await sharingOf(submission, { user, name }, usable, context.ledger, errors);
  const limits = limitsOf(submission, context, errors);
  const timeLimit = submission.timeLimit ?? null;
  const gracePeriod = submission.gracePeriod ?? context.gracePeriod;

  for (const [i, { url }] of submission.notify.entries()) {
    const refusal = context.notifications.refusal(url);
    if (refusal) errors.push({ pointer: `#/notify/${i}/url`, detail: refusal });
  }

  const after = await dependenciesOf(submission, context, caller, errors);

  if (errors.length > 0) throw invalidRequest(errors);
  return {
    id: makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)),
    name,
    user,
    spec: {
      command: submission.command ?? null,
      script: submission.script ?? null,
      account,
      workingDirectory,
      snapshot: submission.snapshot ?? null,
      code: null,
      environment: submission.environment,
      labels: submission.labels,
      gpus,
      devices: submission.devices ?? null,
      constraints,
      sharing,
      launch: submission.launch,
      timeLimit,
      gracePeriod,
      ...checkpointSpec(submission, workingDirectory),
      hang: hangOf(submission, context),
      limits,
      after,
      onDependencyFailure: submission.onDependencyFailure,
      retry: submission.retry ?? null,
      notify: submission.notify,
      group: null,
      schedule: null,
    },
    held: submission.hold,
    notBefore: notBefore(submission.startAfter),
    needs: {
      user,
      priority: submission.priority,
      gpus,
      candidates,
      launch: submission.launch,
      constraints,
      share: shareOf(sharing),
      longestSeconds: longestSeconds({ timeLimit, gracePeriod }),
      graceSeconds: gracePeriod,
      preemptible: submission.preemptible,
      limitedGroup: null,
    },
  };
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

function hangOf({ hang }: JobSubmission, { hang: setting }: ApiContext): JobSpec['hang'] {
  return hang ? { after: hang.after ?? setting.after, action: hang.action ?? setting.action } : null;
}

/** The jobs that it waits for, by their ids; those that don't exist are errors. */
async function dependenciesOf(
  submission: JobSubmission,
  context: ApiContext,
  caller: Caller | undefined,
  errors: NonNullable<Problem['errors']>,
): Promise<JobSpec['after']> {
  const after: JobSpec['after'] = [];
  for (const [i, { job: reference, on }] of submission.after.entries()) {
    const { ledger } = context;
    const id = reference.startsWith('job_') ? reference : await ledger.idOfNumber(reference);
    const record = id && (await ledger.record(id));
    const isHidden = record && caller && !maySee(context, caller, record.user as string);
    if (!record || isHidden) errors.push({ pointer: `#/after/${i}`, detail: `there is no job ${reference}` });
    else if (after.some(({ job }) => job === id))
      errors.push({ pointer: `#/after/${i}`, detail: `names job ${reference} again` });
    else after.push({ job: id, number: Number(record.number), on });
  }
  return after;
}

function notBefore(startAfter: string | number | undefined): number | null {
  if (startAfter === undefined) return null;
  return typeof startAfter === 'string' ? Date.parse(startAfter) : Date.now() + startAfter * 1000;
}

/** What runs, as people call it: behind an interpreter its script, else the program. */
function defaultName(command: readonly string[] | undefined): string {
  if (!command) return 'script';
  const program = basename(command[0] as string);
  const script = INTERPRETER.test(program)
    ? command.slice(1).find((argument) => !argument.startsWith('-'))
    : undefined;
  return script && PLAIN_PATH.test(script) ? basename(script) : program;
}

function describeDevices(devices: readonly DeviceFacts[], { inventory }: ApiContext): string {
  if (inventory.problem) return `this host has none: ${inventory.problem.detail}`;
  if (devices.length === 0) return 'this host has none that the daemon may use';
  const named = devices.map(({ index, mig, name }) => `${index}${mig ? `:${mig.index}` : ''} (${name})`);
  return `this host has ${devices.length}: ${named.join(', ')}`;
}
