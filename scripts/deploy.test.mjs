import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { ConfigSchema } from '../apps/daemon/dist/config.js';
import { ENVIRONMENT, flagOf, FLAGS as SETTINGS } from '../apps/daemon/dist/config-reading.js';

const ROOT = new URL('..', import.meta.url).pathname;
const read = (file) => readFileSync(join(ROOT, file), 'utf8');
const FLAGS = ['--config', '--check-config', '--verify', ...SETTINGS.map(flagOf)];
const VARIABLES = Object.keys(ENVIRONMENT);
const flagsIn = (text) => text.match(/(?<=[\s[,])--[a-z][a-z-]*/g) ?? [];

/** What is wrong with a command line of berthd: flags that it hasn't, values that it would refuse. */
function refused(argv) {
  try {
    execFileSync(process.execPath, [join(ROOT, 'apps/daemon/bin/berthd.js'), ...argv, '--check-config'], {
      stdio: 'pipe',
    });
    return null;
  } catch (error) {
    return String(error.stderr);
  }
}

it('docker-compose.yml starts berthd with flags, variables and values that it takes, from files that are there', () => {
  const { services, volumes } = parse(read('docker-compose.yml'), { merge: true });
  const ledgers = [];
  for (const [name, service] of Object.entries(services)) {
    const { build, command, environment = {}, volumes: mounted = [], depends_on, healthcheck } = service;
    for (const volume of mounted) expect(Object.keys(volumes)).toContain(volume.split(':')[0]);
    for (const other of Object.keys(depends_on ?? {})) expect(Object.keys(services)).toContain(other);
    expect(healthcheck.test[0]).toBe('CMD');
    if (!build) continue;
    expect([name, refused(command)]).toEqual([name, null]);
    expect(existsSync(join(ROOT, build.dockerfile))).toBe(true);
    expect(
      Object.keys(environment).filter((each) => each.startsWith('BERTH_') && !VARIABLES.includes(each)),
    ).toEqual([]);
    // Its data is on the volume, and its probe asks where it listens.
    const [, ...data] = mounted[0].split(':');
    expect([data.join(':'), ...healthcheck.test.join(' ').match(/http:[^']*/)]).toEqual([
      /^VOLUME (\S+)$/m.exec(read(build.dockerfile))[1],
      `http://${ConfigSchema.parse({}).listen}/readyz`,
    ]);
    const redis = command[command.indexOf('--redis-url') + 1];
    expect(redis).toMatch(new RegExp(`^redis://${Object.keys(depends_on)[0]}:6379/\\d$`));
    ledgers.push(redis, mounted[0]);
  }
  expect(new Set(ledgers).size).toBe(ledgers.length);
  expect(services.redis.command).toMatch(/--appendonly yes --appendfsync always/);
  expect(services.berth.deploy.resources.reservations.devices[0]).toMatchObject({
    driver: 'nvidia',
    capabilities: ['gpu'],
  });
  expect(services['berth-simulated'].profiles).toEqual(['simulate']);
  expect(services['berth-simulated']).not.toHaveProperty('deploy');
});

it('the Dockerfile runs what is in the repository', () => {
  const text = read('deploy/Dockerfile');
  for (const [, source] of text.matchAll(/^COPY (?!--from)(\S+) \S+$/gm))
    expect(existsSync(join(ROOT, source))).toBe(true);
  const [, image] = /^FROM node:(\d+)-/m.exec(text);
  expect(Number(image)).toBeGreaterThanOrEqual(
    Number(/>=(\d+)/.exec(JSON.parse(read('package.json')).engines.node)[1]),
  );
  for (const [, name] of text.matchAll(/^ENV (BERTH_\w+)/gm)) expect(VARIABLES).toContain(name);
  const [program, file] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)[1]);
  expect([program, existsSync(join(ROOT, file))]).toEqual(['node', true]);
  expect(JSON.parse(read('package.json')).scripts).toHaveProperty('setup');
});

it('the unit of systemd starts what is in the repository, with flags that there are, and leaves jobs alone', () => {
  const unit = read('deploy/berthd.service');
  for (const [, file] of unit.matchAll(/^Exec\w+=\/usr\/bin\/env node (\S+)/gm))
    expect(existsSync(join(ROOT, file))).toBe(true);
  for (const line of unit.match(/^Exec.*/gm)) for (const flag of flagsIn(line)) expect(FLAGS).toContain(flag);
  for (const [, file] of unit.matchAll(/(deploy\/[\w.]*\w|docs\/[\w.]*\w)/g))
    expect(existsSync(join(ROOT, file))).toBe(true);
  expect(unit).toMatch(/^KillMode=process$/m);
  // Each of these takes the GPUs away, ProtectClock on some versions of systemd only.
  expect(unit).not.toMatch(/^(PrivateDevices|ProtectClock|DeviceAllow|DevicePolicy)=/m);
});

it('the settings that are offered are settings', () => {
  expect(refused(['--config', join(ROOT, 'deploy/berth.yaml')])).toBeNull();
  const example = /```yaml\n([\s\S]*?)```/.exec(read('docs/settings.md'))[1];
  expect(ConfigSchema.safeParse(parse(example)).error).toBeUndefined();
});

it.skipIf(spawnSync('promtool', ['--version']).error)(
  'the rules for alerts are what promtool takes (skipped without promtool, of Debian’s prometheus)',
  () => {
    const promtool = (...argv) =>
      execFileSync('promtool', argv, { cwd: join(ROOT, 'deploy/prometheus'), stdio: 'pipe' });
    promtool('check', 'rules', 'alerts.yml');
    promtool('test', 'rules', 'alerts.test.yml');
  },
);

it('berthd has the flags that the settings are documented with, and no others', () => {
  const help = execFileSync(process.execPath, [join(ROOT, 'apps/daemon/bin/berthd.js'), '--help'], {
    encoding: 'utf8',
  });
  expect([...help.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag).sort()).toEqual(
    [...FLAGS, '--help'].sort(),
  );
});
