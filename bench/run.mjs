import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dashboard, openTab } from './dashboard.mjs';
import { decision } from './decision.mjs';
import { devices } from './devices.mjs';
import { drain } from './drain.mjs';
import { followers } from './followers.mjs';
import { idle } from './idle.mjs';
import { latency } from './latency.mjs';
import { lists } from './lists.mjs';
import { reports } from './reports.mjs';
import { restart } from './restart.mjs';
import { soak } from './soak.mjs';
import { submissions } from './submissions.mjs';

const SCENARIOS = {
  latency,
  submissions,
  drain,
  devices,
  decision,
  lists,
  followers,
  dashboard,
  idle,
  reports,
  restart,
  soak,
  openTab,
};
/** They take minutes, or an hour, so they run only where they are named. */
const LONG = ['soak', 'openTab'];
const RESULTS = new URL('results/', import.meta.url);

/** `npm run bench [-- latency submissions drain devices decision lists followers dashboard idle reports restart soak openTab]`: prints each scenario's figures and writes them as JSON. */
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in SCENARIOS));
if (unknown.length > 0) {
  console.error(`bench: no scenario ${unknown.join(', ')}; there are ${Object.keys(SCENARIOS).join(', ')}`);
  process.exit(2);
}
const results = [];
for (const name of wanted.length > 0
  ? wanted
  : Object.keys(SCENARIOS).filter((each) => !LONG.includes(each))) {
  const { scenario, ...figures } = await SCENARIOS[name]();
  results.push({ scenario, ...figures });
  console.log(`\n${scenario}`);
  for (const [figure, value] of Object.entries(figures)) {
    console.log(`  ${figure.padEnd(22)} ${Number.isInteger(value) ? value : value.toPrecision(3)}`);
  }
}
mkdirSync(RESULTS, { recursive: true });
const file = new URL('latest.json', RESULTS);
const machine = { cores: cpus().length, model: cpus()[0]?.model, node: process.version };
writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, results }, null, 2)}\n`);
console.log(`\nwritten to ${file.pathname}`);
