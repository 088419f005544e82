import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { orderShim, readOrders, readStartRecord, type StartRecord } from './index.js';
import { isAlive, STOPPED, Task } from './task.test-support.js';

const LOOP = 'while :; do sleep 0.02; done';

/** Resolves when the shim has written down that it carried out so many orders. */
async function carriedOut(task: Task, count: number): Promise<void> {
  while (readOrders(task.directory).length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('an order to warn', () => {
  it('reaches every process, also one that has detached itself, and the task goes on', async () => {
    const task = new Task();
    const deaf = `trap "" USR1; echo $$ > deaf; ${LOOP}`;
    const child = `trap "echo child >> got" USR1; (setsid sh -c '${deaf}' > /dev/null 2>&1 &); until [ -s deaf ]; do sleep 0.01; done; echo ready > ready; ${LOOP}`;
    task.shell(
      `trap "echo parent >> got" USR1; sh -c '${child.replaceAll("'", "'\\''")}' & while :; do wait; done`,
    );
    await task.written('ready');
    expect(task.order('warning')).toBe(true);
    await carriedOut(task, 1);
    const [order] = readOrders(task.directory);
    expect(order).toMatchObject({ purpose: 'warning', signal: 'SIGUSR1', at: expect.any(Number) as number });
    // Parent and child have a handler, the third ignores it; and whoever is about to become a sleep is either still.
    expect(order?.handlers).toBeGreaterThanOrEqual(2);
    expect(order?.processes).toBeGreaterThan(order?.handlers as number);
    const got = (): string[] => readFileSync(join(task.directory, 'got'), 'utf8').trim().split('\n').sort();
    while (!readdirSync(task.directory).includes('got') || got().length < 2)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(got()).toEqual(['child', 'parent']);
    expect(isAlive(Number(await task.written('deaf')))).toBe(true);
    task.signal('SIGQUIT');
    expect(await task.ended()).toMatchObject({ checkpointSignal: null, killed: true });
  });

  it('does not count as an end, also when its signal is SIGTERM', async () => {
    const task = new Task();
    task.shell(`trap "echo term > term" TERM; echo ready > ready; ${LOOP}`);
    await task.written('ready');
    task.order('drill', 'SIGTERM');
    await task.written('term');
    expect(isAlive(readStartRecord(task.directory)?.pid as number)).toBe(true);
    task.signal('SIGQUIT');
    expect(await task.ended()).toMatchObject({ termSentAt: null, signal: 'SIGKILL' });
  });

  it('that ends the shell lets the program which it started save its work', async () => {
    const task = new Task();
    const program = `trap "sleep 0.3; echo saved > saved; exit" USR1; echo ready > ready; ${LOOP}`;
    task.shell(`sh -c '${program}'; echo not reached`, { graceSeconds: 5, killAfterExitSeconds: 0.05 });
    await task.written('ready');
    task.order('drill');
    expect(await task.ended()).toMatchObject({ signal: 'SIGUSR1', killed: false, stopRequestedAt: null });
    expect(readFileSync(join(task.directory, 'saved'), 'utf8')).toBe('saved\n');
  });
});

describe('an order to end', () => {
  it('gives time to save, and no SIGTERM to those who are done', async () => {
    const task = new Task();
    task.shell(`trap "echo saved > saved; exit 0" USR1; echo ready > ready; ${LOOP}`);
    await task.written('ready');
    task.order('end');
    expect(await task.ended()).toMatchObject({
      exitCode: 0,
      checkpointSignal: 'SIGUSR1',
      stopRequestedAt: expect.any(Number) as number,
      termSentAt: null,
      killed: false,
    });
    expect(readdirSync(task.directory)).toContain('saved');
  });

  it('sends SIGTERM after half the grace period, and SIGKILL at its end', async () => {
    const task = new Task();
    const [usr, term] = ['echo got >> got', 'echo term >> got'];
    task.shell(`trap "${usr}" USR1; trap "${term}" TERM; echo ready > ready; ${LOOP}`, { graceSeconds: 0.6 });
    await task.written('ready');
    task.order('end');
    task.order('end');
    const exit = await task.ended();
    expect(exit).toMatchObject({ signal: 'SIGKILL', killed: true });
    const [sent, terminated, ended] = [exit?.stopRequestedAt, exit?.termSentAt, exit?.endedAt] as number[];
    expect((terminated as number) - (sent as number)).toBeGreaterThanOrEqual(295);
    expect((ended as number) - (sent as number)).toBeGreaterThanOrEqual(595);
    expect((ended as number) - (sent as number)).toBeLessThan(10_000);
    expect(readFileSync(join(task.directory, 'got'), 'utf8')).toBe('got\nterm\n');
    expect(readOrders(task.directory)).toHaveLength(1);
  });

  it('is overruled by SIGTERM, which then has no more than its own grace period', async () => {
    const task = new Task();
    task.shell(`trap "echo got > got" USR1; trap "" TERM; echo ready > ready; ${LOOP}`, { graceSeconds: 2 });
    await task.written('ready');
    task.order('end');
    await task.written('got');
    task.signal('SIGTERM');
    const exit = await task.ended();
    expect(exit).toMatchObject({ killed: true, checkpointSignal: 'SIGUSR1' });
    const [sent, terminated, ended] = [exit?.stopRequestedAt, exit?.termSentAt, exit?.endedAt] as number[];
    expect((terminated as number) - (sent as number)).toBeLessThan(1000);
    expect((ended as number) - (terminated as number)).toBeLessThan(10_000);
  });

  it('lets a stopped task go on to save its work', async () => {
    const task = new Task();
    task.shell(`trap "echo saved > saved; exit 0" USR1; ${STOPPED} ${LOOP}`);
    await task.written('ready');
    task.order('end');
    expect(await task.ended()).toMatchObject({ exitCode: 0, termSentAt: null });
  });

  it('ends at once what has no grace period', async () => {
    const task = new Task();
    task.shell(`trap "" USR1 TERM; echo ready > ready; ${LOOP}`, { graceSeconds: 0 });
    await task.written('ready');
    task.order('end');
    expect(await task.ended()).toMatchObject({ killed: true });
  });
});

it('a shim of an older version gets no order, for it would be ended by it', async () => {
  const task = new Task();
  task.shell(`echo ready > ready; ${LOOP}`);
  await task.written('ready');
  const { takesOrders: _, ...older } = readStartRecord(task.directory) as StartRecord;
  expect(orderShim(task.lockFile, older, { purpose: 'end', signal: 'SIGUSR1' })).toBe(false);
  task.signal('SIGQUIT');
  await task.ended();
});
