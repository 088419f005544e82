import { describe, expect, it } from 'vitest';
import type { Verb } from './command-tree.js';
import { referencePage } from './reference.js';
import { commandTree } from './run.js';
import { berth, device, driver, StubDaemon } from './stub-daemon.test-support.js';

const root = commandTree();
const leaves = (verb: Verb): Verb[] => (verb.verbs.length > 0 ? verb.verbs.flatMap(leaves) : [verb]);

describe.each(leaves(root).map((verb) => [verb.path.join(' '), verb] as const))('berth %s', (name, verb) => {
  it('says what it does, each of its flags too, and shows an example', () => {
    expect(verb.description).not.toBe('');
    for (const { usage, description } of verb.flags) expect(description, usage).not.toBe('');
    const group = root.verbs.find(({ path }) => path[0] === verb.path[0]);
    expect(verb.more || group?.more).toContain(`berth ${name.split(' ')[0]}`);
  });
});

it('the page has every verb and every alias, and nothing that is hidden', () => {
  const page = referencePage(root);
  for (const verb of leaves(root)) expect(page).toContain(`\n## berth ${verb.path.join(' ')}\n`);
  expect(page).toContain('Also: `ps`, `list`.');
  expect(page).toContain('| `--launch <how>` |');
  expect(page).not.toMatch(/--described|berth slurm/);
});

it('lists fit a narrow terminal, and a program gets them whole', async () => {
  const daemon = await StubDaemon.start();
  try {
    const drained = {
      code: 'drained',
      sentence: 'a fan rattles '.repeat(9),
      since: '',
      endsBy: 'resume',
    } as const;
    daemon.routes['GET /v1/devices'] = { items: [device({ obstacles: [drained] })], driver };
    const shown = await berth(daemon, ['devices'], { terminal: true });
    for (const line of shown.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(shown.stdout).toContain('\n    kept from jobs: a fan rattles');
    expect((await berth(daemon, ['devices'])).stdout).toContain('rattles a fan rattles');
  } finally {
    await daemon.stop();
  }
});

it('colours are for terminals, and not for those who do not want them', async () => {
  const daemon = await StubDaemon.start();
  try {
    daemon.routes['GET /v1/devices'] = { items: [device()], driver };
    const colours = async (terminal: boolean, environment: Record<string, string>) =>
      (
        await berth(daemon, ['devices'], { terminal, environment: { BERTH_URL: daemon.url, ...environment } })
      ).stdout.includes('\x1b[');
    expect(await colours(true, {})).toBe(true);
    expect(await colours(true, { NO_COLOR: '1' })).toBe(false);
    expect(await colours(true, { TERM: 'dumb' })).toBe(false);
    expect(await colours(false, {})).toBe(false);
    // As no-color.org has it: an empty one counts as not set.
    expect(await colours(true, { NO_COLOR: '' })).toBe(true);
  } finally {
    await daemon.stop();
  }
});
