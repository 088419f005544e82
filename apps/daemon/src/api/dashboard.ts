import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import { openToAll } from './authentication.js';

/** What Vite has built of apps/dashboard. */
const PAGES = fileURLToPath(new URL('../../../dashboard/dist/', import.meta.url));
/** The addresses that the page itself understands. */
const SCREENS = ['/', '/jobs', '/jobs/:job', '/timeline', '/submit', '/usage'];

/** Nothing from elsewhere, nothing inline but style attributes (a log's colours); nobody may put the page into a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The web page at `/`: static files, which hold no secrets; what it shows it asks the API for, with a token. */
export const dashboardRoutes: FastifyPluginAsync = async (app) => {
  if (!existsSync(PAGES)) {
    app.log.warn('the dashboard is not built (npm run build:dashboard); / answers 404');
    return;
  }
  openToAll(app);
  await app.register(fastifyStatic, {
    root: PAGES,
    // Their names change with what is in them.
    wildcard: false,
    index: false,
    globIgnore: ['index.html'],
    immutable: true,
    maxAge: '365d',
  });
  for (const screen of SCREENS) {
    app.get(screen, { schema: { hide: true } as object }, (_request, reply) =>
      reply
        .header('content-security-policy', POLICY)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .sendFile('index.html', { maxAge: 0, immutable: false, cacheControl: true }),
    );
  }
};
