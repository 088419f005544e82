import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
  const shim = `#!/bin/sh\nexec '${process.execPath}' '${BERTH}' "$@"\n`;
  writeFileSync(join(daemon.dataDirectory, 'berth'), shim, { mode: 0o755 });
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = execFileSync(process.execPath, [BERTH, 'completion', shell]);
    writeFileSync(join(daemon.dataDirectory, shell), script);
  }
});
afterAll(() => daemon.destroy());

function run(shell: string, script: string, directory = daemon.dataDirectory): string {
  const env = {
    PATH: `${daemon.dataDirectory}:${process.env.PATH}`,
    BERTH_DATA_DIR: directory,
    HOME: daemon.dataDirectory,
  };
  return execFileSync(shell, ['-c', script], { cwd: daemon.dataDirectory, env, encoding: 'utf8' });
}

/** What bash offers at the end of these words. */
function offered(words: string[], directory?: string): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const script = `source ./bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run('bash', script, directory).split('\n').filter(Boolean);
}

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

describe('bash', () => {
  it.each([
    [['berth', 'su'], ['submit']],
    [['berth', 'wh'], ['why']],
    [['berth', '--js'], ['--json']],
    [['berth', 'ls', '--sta'], ['--state']],
    [['berth', 'ls', '--state', 'su'], ['succeeded']],
    [
      ['berth', 'ps', '--state', 'st'],
      ['starting', 'stopping'],
    ],
    [
      ['berth', '--json', 'submit', '--launch', ''],
      ['single', 'perDevice'],
    ],
    [['berth', 'schedule', 'a'], ['add']],
    [['berth', 'schedule', 'add', '--cro'], ['--cron']],
    [['berth', 'completion', 'z'], ['zsh']],
    [['berth', 'submit', '--model', ''], []],
    [['berth', 'submit', '--script', 'fi'], ['fish']],
  ])('%j is completed to %j', (words, found) => {
    expect(offered(words)).toEqual(found);
  });

  it('offers the jobs and devices that there are', async () => {
    const job = await daemon.shell('true');
    await daemon.ended(job);
    expect(offered(['berth', 'show', ''])).toEqual(['last', String(job.number)]);
    expect(offered(['berth', 'submit', '-a', ''])).toContain(String(job.number));
    expect(offered(['berth', 'drain', ''])).toEqual(['0', '1']);
    expect(offered(['berth', 'submit', '-D', '1'])).toEqual(['1']);
  });

  it('offers nothing, and says nothing, where no daemon runs', () => {
    expect(offered(['berth', 'show', ''], '/nonexistent')).toEqual([]);
  });
});

// Not everybody has these; what is to be seen of them without a person at the keyboard.
it.runIf(isThere('fish'))('fish offers verbs, choices and jobs with what they are', async () => {
  const job = await daemon.shell('true', { name: 'tiny' });
  await daemon.ended(job);
  const lines = (text: string) => run('fish', `source ./fish; complete -C '${text}'`).split('\n');
  expect(lines('berth why')).toEqual([expect.stringMatching(/^why\twhat a job waits for/), '']);
  expect(lines('berth ls --state st').join('\n')).toMatch(/^starting\t.*\nstopping\t/);
  expect(lines('berth show ').join('\n')).toContain(`${job.number}\ttiny, succeeded`);
});

it.runIf(isThere('zsh'))('zsh takes the script', () => {
  expect(run('zsh', 'autoload -U compinit && compinit -u -D && source ./zsh && whence -w _berth')).toBe(
    '_berth: function\n',
  );
});
