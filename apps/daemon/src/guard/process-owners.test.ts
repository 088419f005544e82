import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { readProcess } from './host-process.js';
import { ProcessOwners, type RunningTask } from './process-owners.js';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) process.kill(-(child.pid as number), 'SIGKILL');
});

/** A shell that says the pid of what it starts. */
async function shell(script: string, environment: Record<string, string> = {}) {
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, ...environment },
  });
  started.push(child);
  const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { pid: child.pid as number, said: Number(String(said).trim()) };
}

const taskOf = (shimPid: number): RunningTask => ({
  job: 'job_1',
  number: 1,
  attempt: 2,
  rank: 0,
  shimPid,
  shimStartTicks: readProcess(shimPid)?.startTicks ?? 0,
});

it('knows the descendants of a shim, however far', async () => {
  const { pid, said } = await shell('sh -c "sh -c \'echo \\$\\$; exec sleep 60\'; true"; true');
  expect(new ProcessOwners(() => [taskOf(pid)]).ownerOf(said)?.job).toBe('job_1');
});

it('knows what has the environment of a task, though it has left the family', async () => {
  // Not exec: while a process becomes another program, it has no environment.
  const { said } = await shell('echo $$; sleep 60; true', { BERTH_TASK_ID: 'job_1.2.0' });
  const owners = new ProcessOwners(() => [taskOf(1)]);
  expect(owners.ownerOf(said)?.job).toBe('job_1');
});

it('takes nobody for a descendant of a later process that has the number of a shim', async () => {
  const { pid, said } = await shell('sh -c "echo \\$\\$; exec sleep 60"; true');
  const earlier = { ...taskOf(pid), shimStartTicks: 1 };
  expect(new ProcessOwners(() => [earlier]).ownerOf(said)).toBeNull();
});

it('takes others for foreign, and those that are not to be seen', async () => {
  const { said } = await shell('echo $$; exec sleep 60');
  const owners = new ProcessOwners(() => [taskOf(2 ** 30)]);
  expect(owners.ownerOf(said)).toBeNull();
  expect(owners.ownerOf(2 ** 30)).toBeNull();
});

it('remembers whose a process was that has just ended, until nobody asks for it any more', async () => {
  const { pid, said } = await shell('sh -c "echo \\$\\$; exec sleep 60"; true');
  let tasks = [taskOf(pid)];
  const owners = new ProcessOwners(() => tasks);
  owners.ownerOf(said);
  const child = started.splice(0)[0] as ChildProcess;
  const exited = once(child, 'exit');
  process.kill(-pid, 'SIGKILL');
  await exited;
  tasks = [];
  expect(owners.ownerOf(said)?.job).toBe('job_1');
  owners.keep(new Set());
  expect(owners.ownerOf(said)).toBeNull();
});
