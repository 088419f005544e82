import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobMetrics } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const PYTHON = '/usr/bin/python3';
const MODULE = new URL('../../python/', import.meta.url).pathname;
const RECORDING = new URL('../../apps/daemon/src/insight/recordings/events.out.tfevents', import.meta.url)
  .pathname;
const MLP = new URL('../../examples/mlp.py', import.meta.url).pathname;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

const metrics = async ({ id }: Job, query = ''): Promise<JobMetrics> =>
  (await (await daemon.request(`/v1/jobs/${id}/metrics?${query}`)).json()) as JobMetrics;
const python = (program: string, more: object = {}): Promise<Job> =>
  daemon.submit({ command: [PYTHON, '-c', program], workingDirectory: '/', ...more });
const lossOf = ({ series }: JobMetrics) => series.find(({ name }) => name === 'loss');

describe('a training whose script was not changed', () => {
  it('has progress and a curve, from what it prints, while it runs and afterwards', async () => {
    const job = await daemon.shell(
      'for i in 1 2 3 4 5; do echo "Epoch [$i/10], Loss: 0.$((9 - i))"; done; echo ready; sleep 60',
    );
    const running = await eventually(
      () => metrics(job),
      (said) => lossOf(said)?.count === 5 && said.progress?.etaSeconds != null,
    );
    expect(running.progress).toMatchObject({
      fraction: 0.5,
      done: 5,
      total: 10,
      unit: 'epochs',
      source: 'print',
    });
    expect(lossOf(running)?.points.map(({ x, last }) => [x, last])).toEqual([
      [1, 0.8],
      [2, 0.7],
      [3, 0.6],
      [4, 0.5],
      [5, 0.4],
    ]);
    // It is in the log: a daemon that has seen nothing of it knows it too.
    await daemon.kill();
    await daemon.start();
    expect(lossOf(await metrics(job))?.count).toBe(5);
    await daemon.cancel(job);
    await daemon.ended(job);
    expect((await metrics(job)).progress).toMatchObject({ fraction: 0.5, etaSeconds: null });
  });

  it('is followed through a bar that draws over itself, and real PyTorch', async () => {
    const bar = await python(
      `import sys
for i in range(101): sys.stderr.write(f"\\r{i:3d}%|{'#' * i}| {i}/100 [00:0{i // 20}<00:01, 9it/s, loss={1 / (i + 1):.3f}]")`,
    );
    await daemon.ended(bar);
    const drawn = await metrics(bar);
    expect(drawn.progress).toMatchObject({ fraction: 1, source: 'bar' });
    expect(lossOf(drawn)).toMatchObject({ count: 101, last: 0.01, source: 'bar' });

    const mlp = await daemon.submit({ command: [PYTHON, MLP, '--epochs', '400'], workingDirectory: '/' });
    expect((await daemon.ended(mlp)).state).toBe('succeeded');
    const trained = await metrics(mlp, 'names=loss&points=2');
    expect(trained.progress?.fraction).toBe(1);
    expect(trained.series).toHaveLength(1);
    expect(trained.series[0]?.points.length).toBeLessThanOrEqual(2);
    expect(trained.series[0]?.count).toBeGreaterThan(2);
  });

  it('has the curves of each of its attempts', async () => {
    const job = await daemon.shell(
      'for i in 1 2 3; do echo "Epoch [$i/6], Loss: $BERTH_ATTEMPT.$i"; done; [ "$BERTH_ATTEMPT" = 2 ]',
      { retry: { limit: 1, backoff: 0.1, on: ['exit_code'] } },
    );
    await daemon.ended(job);
    const lossesOf = async (query: string) =>
      lossOf(await metrics(job, query))?.points.map(({ last }) => last);
    expect(await lossesOf('attempt=1')).toEqual([1.1, 1.2, 1.3]);
    expect(await lossesOf('attempt=2')).toEqual([2.1, 2.2, 2.3]);
    expect(await lossesOf('')).toEqual([2.1, 2.2, 2.3]);
    expect(await metrics(job, 'attempt=1')).toMatchObject({ attempt: 1 });
    expect((await daemon.request(`/v1/jobs/${job.id}/metrics?attempt=3`)).status).toBe(404);
  });

  it('that says nothing of itself has nothing invented for it', async () => {
    const job = await daemon.shell('echo "loss: 3"; echo 4/5; echo done');
    await daemon.ended(job);
    expect(await metrics(job)).toMatchObject({ attempt: 1, progress: null, series: [] });
    const held = await daemon.shell('true', { hold: true });
    expect(await metrics(held)).toMatchObject({ attempt: null, progress: null, series: [] });
    expect((await daemon.request(`/v1/jobs/${job.id}/metrics?points=0`)).status).toBe(422);
  });
});

describe('berth.report', () => {
  it('is found by every job, exact, and believed before what is printed', async () => {
    const job = await python(`
import berth, time
for i in range(1, 31):
    print(f"Epoch {i}, Loss: 99")
    berth.report(step=i, total=60, loss=1 / i, accuracy=i / 30)
    time.sleep(0.02)
berth.report(step=31, total=60, loss=float("nan"))`);
    expect((await daemon.ended(job)).state).toBe('succeeded');
    const said = await metrics(job);
    expect(said.progress).toMatchObject({ done: 31, total: 60, source: 'report' });
    expect(lossOf(said)).toMatchObject({ source: 'report', axis: 'step', last: null, brokenAt: 31 });
    expect(said.series.map(({ name }) => name).sort()).toEqual(['accuracy', 'loss']);
  });

  it('writes ten times a second at the most, and the last word at the end', async () => {
    const job = await python('import berth\nfor i in range(200000): berth.report(step=i, loss=i)');
    await daemon.ended(job);
    const loss = lossOf(await metrics(job));
    expect(loss?.last).toBe(199_999);
    expect(loss?.count).toBeLessThan(100);
  });

  it('waits for a tensor only when it writes it, and keeps nothing that it was computed from', async () => {
    const job = await python(`
import berth
class Tensor:
    waited = 0
    def detach(self): return Detached()
class Detached:
    def __float__(self): Tensor.waited += 1; return 0.5
for i in range(20000): berth.report(step=i, loss=Tensor(), note="no figure", thing=object())
print("waited", Tensor.waited < 100)`);
    expect((await daemon.ended(job)).state).toBe('succeeded');
    expect(await daemon.logs(job)).toBe('waited True\n');
    expect((await metrics(job)).series.map(({ name, last }) => [name, last])).toEqual([['loss', 0.5]]);
  });

  it.each([
    ['outside of Berth', '', {}],
    [
      'with what is no number',
      ", text='x', nothing=None, thing=object()",
      { BERTH_METRICS_FILE: '/tmp/berth-report-test' },
    ],
    ['where it can not write', '', { BERTH_METRICS_FILE: '/no/such/folder/file' }],
  ])('never fails a training: %s', (_, more, environment) => {
    const program = `import berth\nberth.report(step=1, loss=0.5${more})\nprint("went on")`;
    const said = execFileSync(PYTHON, ['-c', program], {
      encoding: 'utf8',
      env: { PYTHONPATH: MODULE, ...environment },
    });
    expect(said).toBe('went on\n');
  });

  it('is as good for any other language: a line of JSON in the file that BERTH_METRICS_FILE names', async () => {
    const job = await daemon.shell(`echo '{"step": 7, "loss": 0.25}' >> $BERTH_METRICS_FILE`);
    await daemon.ended(job);
    const [point] = lossOf(await metrics(job))?.points ?? [];
    expect(point).toMatchObject({ x: 7, last: 0.25, min: 0.25, max: 0.25 });
    expect(Date.parse(point?.at as string)).toBeGreaterThanOrEqual(Date.parse(job.submittedAt));
  });

  it('goes on in a child of the program that reports itself, however that was made, to its last word', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-children-'));
    writeFileSync(
      join(folder, 'train.py'),
      `
import berth, multiprocessing, sys
def train(method):
    for i in range(3): berth.report(step=i + 1, total=3, **{method: i})
def load(): pass
if __name__ == "__main__":
    berth.report(parent=0)
    berth.report(parent=1)
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        for child in (context.Process(target=train, args=(method,)), context.Process(target=load)):
            child.start()
            child.join()`,
    );
    const job = await daemon.submit({ command: [PYTHON, 'train.py'], workingDirectory: folder });
    expect((await daemon.ended(job)).state).toBe('succeeded');
    const file = join(daemon.dataDirectory, 'jobs', `${job.id}.1.0`, 'metrics.jsonl');
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const reports = lines.map((line) => JSON.parse(line) as Record<string, number>);
    // What the parent has in hand is written by it alone.
    const of = (name: string) => reports.flatMap(({ [name]: value }) => value ?? []);
    expect(of('parent')).toEqual([0, 1]);
    for (const method of ['fork', 'spawn', 'forkserver'])
      expect([of(method)[0], of(method).at(-1)]).toEqual([0, 2]);
    rmSync(folder, { recursive: true });
  });

  it('has 64 curves at the most, and tells how many names there were beyond', async () => {
    const job = await python('import berth\nberth.report(step=1, **{f"m{i}": i for i in range(100)})');
    await daemon.ended(job);
    const { series, droppedSeries } = await metrics(job, 'names=m0,m99');
    expect(series.map(({ name }) => name)).toEqual(['m0']);
    expect(droppedSeries).toBe(36);
  });

  it('is handed out as CSV too, whole or since a time', async () => {
    const job = await python(`
import berth, time
berth.report(step=1, total=3, loss=0.5, **{'odd, "name"': float("inf")})
time.sleep(0.2)
berth.report(step=2, total=3, loss=0.25)`);
    await daemon.ended(job);
    const csv = async (query: string, headers = {}): Promise<string[]> => {
      const response = await daemon.request(`/v1/jobs/${job.id}/metrics?${query}`, { headers });
      expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      return (await response.text()).split('\r\n');
    };
    const [header, ...lines] = await csv('format=csv');
    expect(header).toBe('name,axis,x,at,last,min,max,source');
    expect(lines.map((line) => line.replace(/20[-\dT:.]+Z/, 'TIME'))).toEqual([
      'loss,step,1,TIME,0.5,0.5,0.5,report',
      'loss,step,2,TIME,0.25,0.25,0.25,report',
      '"odd,_""name""",step,1,TIME,,,,report',
      '',
    ]);
    const second = /20[-\dT:.]+Z/.exec(lines[1] as string)?.[0] as string;
    expect(await csv(`since=${second}&names=loss`, { accept: 'text/csv' })).toEqual([header, lines[1], '']);
    expect((await metrics(job, `since=${second}`)).series.map(({ points }) => points.length)).toEqual([1, 0]);
  });
});

describe('an event file of TensorBoard', () => {
  it('is read while one of the job’s processes has it open, and afterwards', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-tensorboard-'));
    const file = join(folder, 'events.out.tfevents.1795261693.host.1.0');
    const job = await daemon.shell(
      `echo "step 1, loss/train: 9"; (exec 3>> ${file}; cat ${RECORDING} >&3; exec sleep 60)`,
    );
    const trained = await eventually(
      () => metrics(job),
      ({ series }) => series.some(({ source }) => source === 'tensorboard'),
    );
    expect(trained.series.map(({ name, source, count }) => [name, source, count])).toEqual([
      ['loss/train', 'tensorboard', 5],
      ['lr', 'tensorboard', 5],
      ['loss/val', 'tensorboard', 1],
      ['new_style', 'tensorboard', 1],
    ]);
    const [loss] = trained.series;
    expect(loss?.points.map(({ x }) => x)).toEqual([0, 10, 20, 30, 40]);
    await daemon.cancel(job);
    await daemon.ended(job);
    const ended = (await metrics(job)).series;
    rmSync(folder, { recursive: true });
    await daemon.kill();
    await daemon.start();
    expect((await metrics(job)).series).toEqual(ended);
  });
});
