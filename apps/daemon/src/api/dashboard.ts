import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { openToAll } from './authentication.js';

/** What Vite has built of apps/dashboard. */
const PAGES = fileURLToPath(new URL('../../../dashboard/dist/', import.meta.url));
const INDEX = `${PAGES}index.html`;
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
const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** The web page at `/`: static files, which hold no secrets; what it shows it asks the API for, with a token. */
export const dashboardRoutes: FastifyPluginAsync = async (app) => {
  if (!existsSync(PAGES)) {
    app.log.warn('the dashboard is not built (npm run build:dashboard); / answers 404');
    return;
  }
  openToAll(app);
  await app.register(fastifyStatic, {
    // Looked up when they are asked for: the page may be built anew meanwhile.
    root: `${PAGES}assets/`,
    prefix: '/assets/',
    index: false,
    // Their names change with what is in them.
    immutable: true,
    maxAge: '365d',
  });
  for (const screen of SCREENS) {
    app.get(screen, { schema: { hide: true } as object }, (_request, reply) =>
      reply
        .headers(PAGE_HEADERS)
        .sendFile('index.html', PAGES, { maxAge: 0, immutable: false, cacheControl: true }),
    );
  }
};

/** A browser led to what is not there gets the page, which says so: it sends no token, for which all others are asked first. */
export function showPageForUnknown(app: FastifyInstance): void {
  if (!existsSync(INDEX)) return;
  app.addHook('onRequest', async ({ is404, method, url, headers }, reply) => {
    if (!is404 || method !== 'GET' || url.startsWith('/v1/') || !headers.accept?.includes('text/html'))
      return;
    const page = await readFile(INDEX).catch(() => null);
    // It is just being built.
    if (page === null) return;
    await reply.code(404).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page);
  });
}
