import { join, relative } from 'node:path';
import type { Code, Job, JobSubmission } from '@berth/contract';
import { GitError } from '../code/git-program.js';
import { isAboutFiles, SnapshotRefused } from '../code/tree.js';
import type { JobSpec } from '../ledger/record.js';
import type { NewJob } from '../ledger/submission.js';
import { removeEntry } from '../removal.js';
import type { ApiContext } from './context.js';
import { resolveSubmission } from './job-request.js';
import { ApiProblem, inside, invalidRequest } from './problem.js';

type Resolved = Omit<NewJob, 'idempotency'>;

/**
 * Records what code a job is submitted with, and copies it where that was asked for. It comes last before the ledger, for a copy is
 * made only of what would be taken.
 * @throws ApiProblem `invalid_request` about `#/snapshot`
 */
export async function withCode(context: ApiContext, job: Resolved): Promise<Resolved> {
  const folder = context.directories.code(job.id);
  return inItsCode(job, await codeOf(context, job.spec, { owner: job.id, folder }));
}

/**
 * As `withCode`, for jobs that come together: those with the same working directory share one copy.
 * @param placeOf where a job is in the body
 */
export async function withCodeOfBatch(
  context: ApiContext,
  jobs: readonly Resolved[],
  group: string,
  placeOf: (index: number) => string,
): Promise<Resolved[]> {
  const known = new Map<string, Code | null>();
  const coded: Resolved[] = [];
  for (const [i, job] of jobs.entries()) {
    const { workingDirectory, snapshot, account } = job.spec;
    const kind = JSON.stringify([workingDirectory, snapshot, account]);
    let code = known.get(kind);
    if (code === undefined) {
      const place = { owner: group, folder: context.directories.code(group, known.size) };
      code = await inside(placeOf(i), codeOf(context, job.spec, place)).catch(async (error: unknown) => {
        await dropUnusedCode(context, coded);
        throw error;
      });
      known.set(kind, code);
    }
    coded.push(inItsCode(job, code));
  }
  return coded;
}

/** Removes the copies of jobs that weren't taken; or of one that was taken before, with another. */
export async function dropUnusedCode(
  { directories }: ApiContext,
  jobs: readonly Resolved[],
  taken: Job | null = null,
): Promise<void> {
  const used = taken?.code?.snapshot?.directory;
  const mine = jobs.flatMap(({ spec }) => spec.code?.snapshot?.directory ?? []);
  const folders = mine
    .filter((directory) => directory !== used)
    .map((directory) =>
      join(directories.jobs, relative(directories.jobs, directory).split('/')[0] as string),
    );
  for (const folder of new Set(folders)) await removeEntry(folder);
}

/** The job of a submission, with its code. @throws ApiProblem `invalid_request` */
export async function resolveWithCode(submission: JobSubmission, context: ApiContext): Promise<Resolved> {
  return withCode(context, await resolveSubmission(submission, context));
}

/** As `resolveWithCode`, for those who have nobody to tell of a problem: what is wrong is an answer. */
export async function resolveOrRefuse(submission: JobSubmission, context: ApiContext) {
  try {
    const job = await resolveWithCode(submission, context);
    return { job, settle: (taken: Job | null) => dropUnusedCode(context, [job], taken) };
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    return { refused: error.message };
  }
}

async function codeOf(
  { code, access }: ApiContext,
  { workingDirectory, snapshot, account }: JobSpec,
  place: { owner: string; folder: string },
): Promise<Code | null> {
  // For another account we look at nothing that it might not see; and to look as it costs a process.
  if (!snapshot) return account === null ? code.provenance.of(workingDirectory) : null;
  try {
    const reader = account === null ? null : access.accountNamed(account);
    if (account !== null && !reader) throw new SnapshotRefused(`this host has no account ${account}`);
    return await code.snapshots.take(workingDirectory, snapshot, place, reader);
  } catch (error) {
    if (!(error instanceof SnapshotRefused) && !(error instanceof GitError) && !isAboutFiles(error))
      throw error;
    throw invalidRequest([{ pointer: '#/snapshot', detail: `can't be taken: ${error.message}` }]);
  }
}

/** A place inside the working directory is one inside the copy. */
function inItsCode(job: Resolved, code: Code | null): Resolved {
  const { workingDirectory, checkpointPath } = job.spec;
  const within = checkpointPath === null ? null : relative(workingDirectory, checkpointPath);
  const moves = code?.snapshot && within !== null && !within.startsWith('..');
  const path = moves ? join(code.snapshot?.directory as string, within) : checkpointPath;
  return { ...job, spec: { ...job.spec, code, checkpointPath: path } };
}
