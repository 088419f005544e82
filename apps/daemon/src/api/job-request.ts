import { homedir } from 'node:os';
import { basename } from 'node:path';
import { type JobSubmission, makeJobId } from '@berth/contract';
import { type JobSpec, longestSeconds } from '../ledger/record.js';
import type { NewJob } from '../ledger/submission.js';
import { submitterOf } from './access.js';
import { accountFor } from './account.js';
import type { Caller } from './caller.js';
import { checkpointSpec } from './checkpoint-request.js';
import type { ApiContext } from './context.js';
import { dependenciesOf } from './dependency-request.js';
import { deviceRequestOf } from './device-request.js';
import { whyNoDirectory } from './directories.js';
import { limitsOf } from './limits.js';
import { type FieldErrors, invalidRequest } from './problem.js';
import { shareOf, sharingOf } from './sharing.js';
import { outOfBounds } from './user-bounds.js';

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
  const { launch, priority, preemptible } = submission;
  const user = caller ? submitterOf(caller, submission.user) : (submission.user ?? context.user);
  const name = submission.name ?? defaultName(submission.command);
  const gracePeriod = submission.gracePeriod ?? context.gracePeriod;
  const errors: FieldErrors = [];
  const { candidates, gpus, constraints, usable } = deviceRequestOf(submission, user, context, errors);
  const bounds = context.boundsOf(user);
  errors.push(...outOfBounds(submission, user, bounds, caller));
  const timeLimit = submission.timeLimit ?? bounds.timeLimit;
  const runsAs = await accountFor(user, context, caller);
  const { account, workingDirectory } = await placeOf(submission, runsAs, errors);
  const sharing = await sharingOf(submission, { user, name }, usable, context.ledger, errors);
  const limits = limitsOf(submission, context, errors);
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
      launch,
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
      priority,
      gpus,
      candidates,
      launch,
      constraints,
      share: shareOf(sharing),
      longestSeconds: longestSeconds({ timeLimit, gracePeriod }),
      graceSeconds: gracePeriod,
      preemptible,
      limitedGroup: null,
    },
  };
}

/** As which account and where a job runs. */
async function placeOf(
  submission: JobSubmission,
  { account, home, problem }: Awaited<ReturnType<typeof accountFor>>,
  errors: FieldErrors,
): Promise<Pick<JobSpec, 'account' | 'workingDirectory'>> {
  // Where nobody was named it is nothing in the body that is wrong.
  if (problem) errors.push({ pointer: submission.user === undefined ? '#' : '#/user', detail: problem });
  const workingDirectory = submission.workingDirectory ?? home ?? homedir();
  // What an account may see of the host that account finds out, when the job starts; not the daemon for it.
  const missing = account === null ? await whyNoDirectory(workingDirectory) : null;
  if (missing) errors.push({ pointer: '#/workingDirectory', detail: missing });
  return { account, workingDirectory };
}

function hangOf({ hang }: JobSubmission, { hang: setting }: ApiContext): JobSpec['hang'] {
  return hang ? { after: hang.after ?? setting.after, action: hang.action ?? setting.action } : null;
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
