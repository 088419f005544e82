import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

/** A span as OTLP has it in JSON, as far as it is looked at. */
interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string } }[];
  status: { code?: number; message?: string };
}

const folder = mkdtempSync(join(tmpdir(), 'berth-traces-'));
const spans: OtlpSpan[] = [];
let collector: Server;
let daemon: TestDaemon;
beforeAll(async () => {
  collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(String(Buffer.concat(chunks)));
    for (const { scopeSpans } of body.resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader('content-type', 'application/json').end('{}');
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const config = join(folder, 'berth.yaml');
  writeFileSync(
    config,
    `tracesUrl: http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces\n`,
  );
  daemon = await TestDaemon.start('1xH100-80GB', '--config', config);
});
afterAll(async () => {
  await daemon.destroy();
  collector.close();
  rmSync(folder, { recursive: true });
});

it('a collector of OpenTelemetry gets a trace of each job, from its submission to its end', async () => {
  const job = await daemon.ended(await daemon.shell('exit 3'));
  // What is left is sent before the daemon ends.
  await daemon.stop();
  const root = await eventually(
    () => spans.find(({ name }) => name === 'job'),
    (found) => found !== undefined,
  );
  const time = (nanoseconds: string) => new Date(Number(BigInt(nanoseconds) / 1_000_000n)).toISOString();
  expect(root?.attributes).toContainEqual({ key: 'berth.job.id', value: { stringValue: job.id } });
  expect(root?.status).toEqual({ code: 2, message: job.cause?.sentence });
  expect(time(root?.startTimeUnixNano as string)).toBe(job.submittedAt);
  expect(time(root?.endTimeUnixNano as string)).toBe(job.endedAt);
  const parents = Object.fromEntries(
    spans.map(({ name, parentSpanId }) => [name, spans.find(({ spanId }) => spanId === parentSpanId)?.name]),
  );
  expect(parents).toEqual({ job: undefined, wait: 'job', attempt: 'job', start: 'attempt', run: 'attempt' });
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
});
