import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';
import { PseudoTerminal } from '../support/pseudo-terminal.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;

let daemon: TestDaemon;
let terminal: PseudoTerminal | null = null;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterEach(() => terminal?.kill());
afterAll(() => daemon.destroy());

function berth(...argv: string[]): PseudoTerminal {
  const environment = { BERTH_DATA_DIR: daemon.dataDirectory };
  terminal = new PseudoTerminal([process.execPath, BERTH, ...argv], environment);
  return terminal;
}

describe('berth top', () => {
  it('shows devices and queue, and is steered by keys', async () => {
    const resnet = await daemon.shell('echo hello; exec sleep 60', { devices: '0', name: 'resnet' });
    const other = await daemon.shell('exec sleep 60', { devices: '1', name: 'bert' });
    const waiting = await daemon.shell('true', { devices: '0', name: 'waits' });
    await daemon.until(resnet, 'running');
    await daemon.until(other, 'running');

    const top = berth('top');
    const screen = await top.shows(/q quit/);
    expect(screen).toMatch(/2 of 2 devices held {2}2 running {2}1 waiting/);
    expect(screen).toMatch(/\[0\] NVIDIA H100 80GB HBM3.*\/80 GiB\n +job \d+ \S+:resnet {2}/);
    expect(screen).toMatch(/pending .*needs 1 free device/);

    // Down to the last, up again, and what Enter and l show.
    top.type('jj\r');
    expect(await top.shows(/q back/)).toContain(`berth show ${waiting.number}  waits`);
    top.type('q');
    await top.shows(/q quit/);
    top.type('kk');
    top.type('l');
    expect(await top.shows(/q back/)).toContain('hello');
    top.type('q');
    await top.shows(/q quit/);

    top.type('/ber\r');
    const filtered = await top.shows(/filter: ber /);
    expect(filtered).toContain('bert');
    expect(filtered).not.toMatch(/\d {2}waits/);

    // Asked first; anything but y leaves it alone.
    top.type('c');
    await top.shows(new RegExp(`cancel job ${other.number} \\(bert\\)\\?`));
    top.type('n');
    await top.shows(new RegExp(`job ${other.number} goes on`));
    top.type('c');
    await top.shows(/cancel job/);
    top.type('y');
    await top.shows(new RegExp(`job ${other.number} is stopping|no job has`));
    expect((await daemon.ended(other)).state).toBe('cancelled');
    expect((await daemon.job(resnet)).state).toBe('running');

    top.type('q');
    expect(await top.exit()).toBe(0);
    expect(top.raw).toMatch(/\[\?1049l[\s]*$/);
    await daemon.cancel(resnet);
    await daemon.ended(waiting);
  });
});

describe('--watch', () => {
  it('shows what changes, and ends at q', async () => {
    const list = berth('ls', '--watch', '0.2');
    await list.shows(/no job waits or runs/);
    const job = await daemon.shell('exec sleep 60', { name: 'newcomer' });
    await list.shows(/newcomer .*running/);
    await daemon.cancel(job);
    await list.shows(/no job waits or runs/);
    list.type('q');
    expect(await list.exit()).toBe(0);
  });
});

describe('berth submit', () => {
  it('on a terminal says the number, the state and what next', async () => {
    const submit = berth('submit', 'true');
    expect(await submit.exit()).toBe(0);
    expect(submit.screen).toMatch(
      /^job \d+ \(job_\w+\) submitted: \w+.*\n {2}berth logs -f \d+ {4}berth cancel \d+\n$/,
    );
  });

  it('--follow shows how far the job is, and leaves it at Ctrl-C', async () => {
    const follow = berth('submit', '--follow', '--wrap', 'echo "Epoch [3/10], Loss: 0.5"; exec sleep 60');
    await follow.shows(/30 % {2}3\/10 epochs {2}loss 0\.5/);
    follow.type('\x03');
    expect(await follow.exit()).toBe(130);
    const [, number = ''] = /job (\d+) goes on; come back/.exec(follow.screen) ?? [];
    expect((await daemon.job({ id: number })).state).toBe('running');
    await daemon.cancel({ id: number });
  });

  it('--on-interrupt cancel cancels it at Ctrl-C, and exits as it did', async () => {
    const wrap = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
    const follow = berth('submit', '--follow', '--on-interrupt', 'cancel', '--wrap', wrap);
    await follow.shows(/ready/);
    follow.type('\x03');
    expect(await follow.exit()).toBe(143);
    expect(follow.screen).toMatch(/cancelling job \d+; Ctrl-C again leaves it[\s\S]*bye[\s\S]*was cancelled/);
  });
});
