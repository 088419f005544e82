import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { TestDaemon } from './daemon.js';

const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

/** A real browser that looks at a daemon's dashboard, a page at a time. */
export class Dashboard {
  readonly daemon: TestDaemon;
  page!: Page;
  private readonly browser: Browser;
  private complaints: string[] = [];

  private constructor(daemon: TestDaemon, browser: Browser) {
    this.daemon = daemon;
    this.browser = browser;
  }

  static async launch(daemon: TestDaemon): Promise<Dashboard> {
    // As root it has no sandbox to live in.
    const browser = await chromium.launch({ executablePath: programOf(PROGRAMS), args: ['--no-sandbox'] });
    return new Dashboard(daemon, browser);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }

  async newPage(): Promise<Page> {
    this.page = await this.browser.newPage({ viewport: { width: 1280, height: 900 } });
    this.complaints = [];
    this.page.on('pageerror', ({ message }) => this.complaints.push(message));
    // What the policy of the page forbids is said on the console.
    this.page.on('console', (said) => {
      if (said.type() === 'error' && !said.text().includes('Failed to load resource'))
        this.complaints.push(said.text());
    });
    return this.page;
  }

  /** Closes the page, which has to have worked without an error. */
  async closePage(): Promise<void> {
    await this.page.close();
    expect(this.complaints).toEqual([]);
  }

  /** Opens a screen, signed in: as an admin, or by another token. */
  async open(path: string, token = this.daemon.token): Promise<void> {
    const { address } = this.daemon;
    await this.page.goto(`${address}/#token=${token}`);
    await this.page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor();
    if (path !== '/') await this.page.goto(`${address}${path}`);
  }

  /** Opens a screen and waits until it shows what it has asked for. */
  async openWhole(path: string, token?: string): Promise<void> {
    await this.open(path, token);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
    await expect.poll(() => this.page.textContent('main')).not.toContain('asking …');
  }

  /** By how many pixels the page is wider than the screen. */
  async overhang(): Promise<number> {
    const wide = await this.page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    return Math.max(0, wide as number);
  }

  /** What axe finds that is serious. */
  async barriers(): Promise<string[]> {
    await this.page.evaluate(AXE);
    return this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: {
          run: () => Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
        };
      };
      const { violations } = await axe.run();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
  }
}

/**
 * A daemon and a browser for all tests of a file, and a page for each of them that has to have worked without an error.
 * @param take is handed them before each test
 */
export function useDashboard(simulate: string, take: (dashboard: Dashboard) => void): void {
  let daemon: TestDaemon;
  let dashboard: Dashboard | undefined;
  beforeAll(async () => {
    daemon = await TestDaemon.start(simulate);
    dashboard = await Dashboard.launch(daemon);
  });
  afterAll(async () => {
    await dashboard?.close();
    await daemon.destroy();
  });
  beforeEach(async () => {
    await dashboard?.newPage();
    take(dashboard as Dashboard);
  });
  afterEach(() => dashboard?.closePage());
}

function programOf(names: readonly string[]): string {
  for (const name of names) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      // The next one.
    }
  }
  throw new Error(`none of ${names.join(', ')} is on the PATH`);
}
