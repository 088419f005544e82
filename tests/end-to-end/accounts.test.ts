import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BerthClient } from '@berth/client';
import type { Code, Group, Job, JobList, Me, Problem, RegisteredUser } from '@berth/contract';
import { accountNamed } from '@berth/task-shim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

const nobody = accountNamed('nobody');
const WHO = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
};
const GIT = { PATH: process.env.PATH, HOME: '/nonexistent', ...WHO };
// Only root can run somebody else's jobs, and only root can pretend to be somebody else.
const isPossible = process.getuid?.() === 0 && nobody !== null;

let daemon: TestDaemon;
let settings: string;
/** A program that asks a daemon by its socket, for accounts that may read nothing of ours. */
let asking: string;

beforeAll(async () => {
  settings = mkdtempSync(join(tmpdir(), 'berth-accounts-'));
  chmodSync(settings, 0o755);
  asking = join(settings, 'ask.mjs');
  writeFileSync(
    asking,
    `import { request } from 'node:http';
const [socketPath, method, path, body] = process.argv.slice(2);
const headers = { host: 'localhost', ...(body ? { 'content-type': 'application/json' } : {}) };
const sent = request({ socketPath, method, path, headers }, (answer) => answer.pipe(process.stdout));
sent.on('error', (error) => console.log(JSON.stringify({ code: error.code })));
sent.end(body);
`,
  );
  daemon = await start('');
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(settings, { recursive: true });
});

function start(config: string): Promise<TestDaemon> {
  const file = join(settings, `${crypto.randomUUID()}.yaml`);
  writeFileSync(file, config);
  return TestDaemon.start('2xH100-80GB', '--config', file);
}

/** Asks a daemon as an account of this host. */
async function ask<T>(uid: number, method: string, path: string, body?: unknown, to = daemon): Promise<T> {
  const argv = [asking, join(to.dataDirectory, 'berth.sock'), method, path];
  if (body !== undefined) argv.push(JSON.stringify(body));
  const child = spawn(process.execPath, argv, {
    uid,
    gid: uid,
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
  });
  const [answer] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(answer) as T;
}

describe('by the unix socket', () => {
  it('whoever the daemon runs as is an admin, without a token', async () => {
    const berth = new BerthClient({ socketPath: join(daemon.dataDirectory, 'berth.sock') });
    const me = await berth.me();
    expect(me).toMatchObject({ role: 'admin', by: 'socket', token: null });
    // Only users have tokens of their own; who is an admin as a user, too, stays one.
    await expect(berth.tokens.create(me.name)).rejects.toThrow(`berth user add ${me.name} --role admin`);
    const job = await berth.jobs.submit({ script: 'echo one; sleep 0.1; echo two', workingDirectory: '/' });
    const output: Uint8Array[] = [];
    for await (const part of berth.jobs.logs(job, { follow: true })) output.push(part);
    expect(Buffer.concat(output).toString()).toBe('one\ntwo\n');
    const signal = AbortSignal.timeout(100);
    const endless = await berth.jobs.submit({ command: ['sleep', '100'], workingDirectory: '/' });
    await expect(
      berth.jobs.logs(endless, { follow: true, signal })[Symbol.asyncIterator]().next(),
    ).rejects.toThrow(/timeout/);
    await berth.jobs.cancel(endless);
  });

  it('a client says where it looked when nobody answers', async () => {
    const berth = new BerthClient({ socketPath: join(settings, 'none.sock'), retrySeconds: 0 });
    await expect(berth.me()).rejects.toThrow(/no answer from unix:.*none\.sock/);
  });

  it('a token that is sent along counts for more', async () => {
    const admin = new BerthClient({ url: daemon.address, token: daemon.token });
    await admin.users.create({ name: 'vic', role: 'viewer' });
    const { token } = await admin.tokens.create('vic');
    const berth = new BerthClient({ socketPath: join(daemon.dataDirectory, 'berth.sock'), token });
    expect(await berth.me()).toMatchObject({ name: 'vic', role: 'viewer', by: 'token' });
  });

  it('comes back after kill -9, and is gone after a stop', async () => {
    const path = join(daemon.dataDirectory, 'berth.sock');
    await daemon.kill();
    expect(existsSync(path)).toBe(true);
    await daemon.start();
    expect(await new BerthClient({ socketPath: path }).me()).toMatchObject({ by: 'socket' });
    await daemon.stop();
    expect(existsSync(path)).toBe(false);
    await daemon.start();
  });
});

describe.skipIf(!isPossible)('an account of this host', () => {
  const { uid = -1, gid = -1 } = nobody ?? {};
  const ended = (job: Job): Promise<Job> => daemon.ended(job);
  const copies = (): string[] =>
    readdirSync(join(daemon.dataDirectory, 'jobs')).filter((name) => /code/.test(name));

  it('is a user of its name from its first visit on', async () => {
    const me = await ask<Me>(uid, 'GET', '/v1/me');
    expect(me).toEqual({
      name: 'nobody',
      role: 'user',
      unixAccount: 'nobody',
      by: 'socket',
      token: null,
      expiresAt: null,
    });
    const users = (await (await daemon.request('/v1/users')).json()) as { items: RegisteredUser[] };
    expect(users.items.map(({ name }) => name)).toContain('nobody');
  });

  it("runs its jobs as itself, in its own home, and can't get at what is root's", async () => {
    const script = [
      'echo "$(id -u) $(id -g) $HOME $USER $LOGNAME $(umask)"',
      'cat "$0" | head -1',
      'echo "{}" > "$BERTH_METRICS_FILE" && echo metrics',
      'echo saved > "$BERTH_CHECKPOINT_FILE.new" && mv "$BERTH_CHECKPOINT_FILE.new" "$BERTH_CHECKPOINT_FILE" && echo checkpoint',
      `cat ${daemon.dataDirectory}/token && echo token`,
      `ls ${daemon.dataDirectory} && echo listing`,
      `cat ${daemon.dataDirectory}/redis/* && echo redis`,
      'echo forged > "$(dirname "$0")/exit.json" && echo forged',
      'cat "$(dirname "$0")/output.0" && echo log',
      'exit 3',
    ].join('\n');
    const job = await ask<Job>(uid, 'POST', '/v1/jobs', { script, workingDirectory: '/' });
    expect(job).toMatchObject({ user: 'nobody', account: 'nobody' });
    expect(await ended(job)).toMatchObject({ state: 'failed', cause: { code: 'exit_code', exitCode: 3 } });
    const lines = (await daemon.logs(job, 'stream=stdout')).trim().split('\n');
    expect(lines).toEqual([
      `${uid} ${gid} /nonexistent nobody nobody 0022`,
      script.split('\n')[0],
      'metrics',
      'checkpoint',
    ]);
  });

  it('finds its checkpoint at the next attempt', async () => {
    const script =
      'cat "$BERTH_CHECKPOINT_FILE" 2>/dev/null || { echo saved > "$BERTH_CHECKPOINT_FILE"; exit 1; }';
    const job = await ask<Job>(uid, 'POST', '/v1/jobs', {
      script,
      workingDirectory: '/',
      retry: { limit: 1, backoff: 0.01 },
    });
    expect(await ended(job)).toMatchObject({ state: 'succeeded', retries: 1 });
    expect(await daemon.logs(job)).toBe('saved\n');
  });

  it('learns by no answer what folders of others there are', async () => {
    for (const workingDirectory of ['/root', '/root/there-is-no-such-folder']) {
      const job = await ask<Job>(uid, 'POST', '/v1/jobs', { command: ['true'], workingDirectory });
      expect((await ended(job)).cause?.sentence).toMatch(/can't be entered by nobody, .*: Permission denied/);
    }
  });

  it('has its code copied with its own rights, and runs in that copy, which others can not read', async () => {
    const project = join(settings, 'project');
    const git = (...argv: string[]) => execFileSync('git', ['-C', project, ...argv], { uid, gid, env: GIT });
    mkdirSync(project);
    chownSync(project, uid, gid);
    chmodSync(project, 0o700);
    git('init', '-q', '-b', 'main');
    const edit = (text: string): void => writeFileSync(join(project, 'train.sh'), text);
    edit('echo committed\n');
    git('add', '-A');
    git('commit', '-q', '-m', 'first');
    edit('echo submitted; touch new && id -u\n');

    const submission = {
      command: ['sh', 'train.sh'],
      workingDirectory: project,
      snapshot: 'git',
      hold: true,
    };
    const job = await ask<Job>(uid, 'POST', '/v1/jobs', submission);
    edit('echo edited later\n');
    expect(job.code).toMatchObject({ branch: 'main', dirty: true, snapshot: { files: 1 } });
    const { directory, changes } = (job.code as Code).snapshot as NonNullable<Code['snapshot']>;
    expect(readFileSync(changes as string, 'utf8')).toContain('+echo submitted');
    const own = join(directory, '..');
    for (const path of [own, directory, join(directory, 'train.sh'), changes as string])
      expect(statSync(path).uid).toBe(uid);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    expect(statSync(join(own, '..')).uid).toBe(0);
    const release = `/v1/jobs/${job.id}/release`;
    await ask(uid, 'POST', release);
    expect(await daemon.logs(job, 'follow=true')).toBe(`submitted\n${uid}\n`);

    // The copy that a repeated submission makes for nothing goes again.
    const before = copies().length;
    const twice = { ...submission, user: 'nobody' };
    const key = { 'idempotency-key': 'twice' };
    const answers = [await daemon.post('/v1/jobs', twice, key), await daemon.post('/v1/jobs', twice, key)];
    expect(answers.map(({ status }) => status)).toEqual([201, 200]);
    expect(copies()).toHaveLength(before + 1);
  });

  it('shares no copy with another account, though their jobs come together', async () => {
    const shared = join(settings, 'shared');
    mkdirSync(shared);
    writeFileSync(join(shared, 'train.sh'), 'id -u');
    await daemon.post('/v1/users', { name: 'bob', unixAccount: 'bin' });
    const job = { command: ['sh', 'train.sh'], workingDirectory: shared, snapshot: 'copy' };
    const jobs = ['nobody', 'bob', 'nobody'].map((user) => ({ ...job, user }));
    const { id } = (await (await daemon.post('/v1/jobs/batch', { jobs })).json()) as Group;
    const { items } = (await (await daemon.request(`/v1/jobs?group=${id}`)).json()) as JobList;
    const places = items.map((each) => (each.code as Code).snapshot?.directory as string);
    expect(places.map((place) => statSync(place).uid)).toEqual([uid, accountNamed('bin')?.uid, uid]);
    expect(new Set(places).size).toBe(2);
    for (const each of items) expect((await ended(each)).state).toBe('succeeded');
  });

  it("gets no copy of what it can't read itself, whatever leads there, and nothing is left of the try", async () => {
    const secret = join(settings, 'secret');
    mkdirSync(secret, { mode: 0o700 });
    writeFileSync(join(secret, 'key'), 'hunter2');
    execFileSync('git', ['-C', secret, 'init', '-q']);
    execFileSync('git', ['-C', secret, 'add', '-A']);
    execFileSync('git', ['-C', secret, 'commit', '-q', '-m', 'first'], { env: GIT });
    const lure = join(settings, 'lure');
    mkdirSync(lure);
    writeFileSync(join(lure, '.git'), `gitdir: ${join(secret, '.git')}\n`);
    symlinkSync(secret, join(lure, 'link'));
    const before = copies();
    for (const [workingDirectory, snapshot, why] of [
      [secret, 'copy', /EACCES/],
      [secret, 'git', /is in no git repository/],
      [join(lure, 'link'), 'copy', /EACCES/],
      [lure, 'git', /is in no git repository|no commit yet/],
    ] as const) {
      const job = { command: ['true'], workingDirectory, snapshot };
      const problem = await ask<Problem>(uid, 'POST', '/v1/jobs', job);
      expect([problem.status, problem.errors?.[0]?.pointer]).toEqual([422, '#/snapshot']);
      expect(problem.detail).toMatch(why);
    }
    expect(copies()).toEqual(before);

    // A link is copied as a link.
    rmSync(join(lure, '.git'));
    const linked = { command: ['cat', 'link/key'], workingDirectory: lure, snapshot: 'copy' };
    const job = await ask<Job>(uid, 'POST', '/v1/jobs', linked);
    expect(await ended(job)).toMatchObject({ state: 'failed' });
    expect(await daemon.logs(job)).toMatch(/Permission denied/);
  });

  it("submits for nobody else, and sees others' variables hidden", async () => {
    const other = await daemon.submit({
      command: ['true'],
      workingDirectory: '/',
      environment: { KEY: 'hunter2' },
    });
    expect((await ask<Job>(uid, 'GET', `/v1/jobs/${other.id}`)).environment).toEqual({ KEY: '[hidden]' });
    const refused = await ask<Problem>(uid, 'POST', '/v1/jobs', {
      command: ['id'],
      workingDirectory: '/',
      user: 'root',
    });
    expect(refused).toMatchObject({ status: 403 });
  });

  it('runs the jobs that an admin submits for its user', async () => {
    await daemon.post('/v1/users', { name: 'ada', unixAccount: 'daemon' });
    const job = await daemon.shell('id -un', { user: 'ada' });
    expect(await ended(job)).toMatchObject({ state: 'succeeded', account: 'daemon' });
    expect(await daemon.logs(job)).toBe('daemon\n');
  });

  it.each([
    ['root', /jobs do not run as root/],
    ['no-such-account', /has no account no-such-account/],
  ])('%s is refused for jobs where it is asked for', async (unixAccount, detail) => {
    const response = await daemon.post('/v1/users', { name: 'mallory', unixAccount });
    const problem = (await response.json()) as Problem;
    expect([problem.status, problem.errors?.[0]?.pointer]).toEqual([422, '#/unixAccount']);
    expect(problem.detail).toMatch(detail);
  });

  it('is no user where only known users may come, and gets nowhere where the socket is closed to it', async () => {
    const known = await start('socketUsers: known\n');
    const closed = await start('socketMode: "0600"\n');
    try {
      expect(await ask(uid, 'GET', '/v1/me', undefined, known)).toMatchObject({ status: 403 });
      await known.post('/v1/users', { name: 'nobody', role: 'viewer' });
      expect(await ask(uid, 'GET', '/v1/me', undefined, known)).toMatchObject({ role: 'viewer' });
      expect(await ask(uid, 'GET', '/v1/me', undefined, closed)).toEqual({ code: 'EACCES' });
    } finally {
      await Promise.all([known.destroy(), closed.destroy()]);
    }
  });

  it('has no jobs that run as root where its user has none of its own', async () => {
    process.env.BERTH_ROOT_JOBS = 'root';
    const strict = await start('').finally(() => delete process.env.BERTH_ROOT_JOBS);
    try {
      await strict.post('/v1/users', { name: 'eve' });
      const refused = await strict.post('/v1/jobs', { command: ['id'], workingDirectory: '/', user: 'eve' });
      const problem = (await refused.json()) as Problem;
      expect([problem.status, problem.errors?.[0]?.pointer]).toEqual([422, '#/user']);
      expect(problem.detail).toMatch(
        /eve has no Unix account here, and jobs of eve do not run as root.*berth user set eve/,
      );
      expect((await strict.submit({ command: ['true'], workingDirectory: '/' })).account).toBeNull();
    } finally {
      await strict.destroy();
    }
  });

  it('reads nothing of the data directory', () => {
    const mode = (name: string): string =>
      (statSync(join(daemon.dataDirectory, name)).mode & 0o777).toString(8);
    expect(['', 'jobs', 'workers', 'redis', 'token', 'address.json', 'berth.sock'].map(mode)).toEqual([
      '711',
      '711',
      '700',
      '700',
      '600',
      '644',
      '666',
    ]);
  });
});
