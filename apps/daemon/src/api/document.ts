import { pino } from 'pino';
import type { ApiContext } from './context.js';
import { documentText } from './reference.js';
import { buildServer } from './server.js';

/** The contract as OpenAPI 3.1 in YAML, made from the routes alone: nothing runs, nothing is asked. */
export async function buildDocument(): Promise<string> {
  const nothing = {} as ApiContext;
  const app = await buildServer(nothing, pino({ enabled: false }));
  const document = documentText(app);
  await app.close();
  return document;
}
