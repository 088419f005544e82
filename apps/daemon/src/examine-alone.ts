import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoctorReport, Finding } from '@berth/contract';
import { emptyState } from '@berth/scheduler';
import { surveyControlGroups } from '@berth/task-shim';
import type { Logger } from 'pino';
import { DeviceViews } from './api/device-views.js';
import type { Config } from './config.js';
import { openContainment } from './containment.js';
import { dataDirectory } from './data-directory.js';
import { deviceLabels } from './devices/device-labels.js';
import { Histories } from './devices/histories.js';
import { DeviceInventory } from './devices/inventory.js';
import { examine } from './doctor/examine.js';
import { examineRedis, judgeRedis, judgeRedisProgram } from './doctor/redis.js';
import { connectRedis } from './redis/connection.js';
import { findRedisServer } from './redis/server-program.js';

const REDIS_PATIENCE_MS = 3000;

/** `berthd doctor`: looks at this host as a daemon would find it, without one. It changes nothing. */
export async function examineAlone(
  config: Config,
  python: string | null,
  log: Logger,
): Promise<DoctorReport> {
  const scratch = mkdtempSync(join(tmpdir(), 'berth-doctor-'));
  const simulation = config.simulate
    ? { spec: config.simulate, stateFile: join(scratch, 'simulation.state') }
    : null;
  const inventory = await DeviceInventory.open(simulation, log);
  try {
    const none = {
      holders: new Map(),
      drains: new Map(),
      obstacles: new Map(),
      xids: new Map(),
      restarts: new Map(),
    };
    const nobody = { processes: null, jobBytes: null, foreignBytes: null, bytesByJob: new Map() };
    const views = new DeviceViews({
      inventory,
      watch: { rounds: 0, useOf: () => nobody },
      book: { read: async () => ({ page: none, version: 0 }), fresh: async () => none },
      histories: new Histories(),
      labels: deviceLabels(config.deviceLabels, inventory.devices).byUuid,
      ledgerProblem: () => null,
      node: config.node,
      scheduling: () => emptyState(),
      foreignLimitBytes: config.foreignMemoryLimit === 'ignore' ? null : config.foreignMemoryLimit,
    });
    const { items, driver } = await views.list();
    return await examine({
      node: config.node,
      driver,
      devices: items,
      daemonRestarts: [],
      directories: dataDirectory(config.dataDir),
      redis: () => redisFindings(config, log),
      containment: openContainment(config.controlGroups, surveyControlGroups),
      python,
    });
  } finally {
    await inventory.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function redisFindings({ redisUrl }: Config, log: Logger): Promise<Finding[]> {
  if (!redisUrl) return judgeRedisProgram(findRedisServer());
  const redis = connectRedis({ url: redisUrl }, 'doctor', 'impatient', log);
  const patience = new Promise<null>((resolve) => setTimeout(resolve, REDIS_PATIENCE_MS, null));
  const facts = await Promise.race([examineRedis(redis).catch(() => null), patience]);
  redis.disconnect();
  return judgeRedis(facts, false);
}
