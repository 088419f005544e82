import { duration } from './figures.js';
import { cut } from './table.js';
import { harmless } from './terminal.js';

// What training loops print: "Epoch [3/10]", "epoch 3 of 10", "step 200/2000", "iter: 5/100".
const COUNT = /\b(epoch|step|iter(?:ation)?|batch)\b[\s:=[(]*(\d+)\s*(?:\/|of)\s*(\d+)/i;
const LOSS = /\bloss\b["'\s:=]*(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)/i;
const BAR_CELLS = 20;

/** How far a job is, as the lines of its output say. */
export class Progress {
  private rest = '';
  private count: { what: string; done: number; total: number } | null = null;
  private loss: string | null = null;
  private first: { share: number; at: number } | null = null;
  /** Whether the output draws a bar itself, on a line that it writes over: then another one would be in its way. */
  drawsItself = false;

  /** @param now milliseconds */
  feed(text: string, now: number): void {
    if (/\r(?!\n)/.test(text)) this.drawsItself = true;
    const lines = (this.rest + text).split('\n');
    this.rest = (lines.pop() ?? '').slice(-1000);
    for (const line of lines) {
      const [, what = '', done, total] = COUNT.exec(line) ?? [];
      if (done !== undefined && Number(total) > 0 && Number(done) <= Number(total)) {
        this.count = { what: what.toLowerCase(), done: Number(done), total: Number(total) };
        this.first ??= { share: this.share, at: now };
      }
      this.loss = LOSS.exec(line)?.[1] ?? this.loss;
    }
  }

  /** One line about it; null: its output says nothing of the kind. Whole lines of output must have been written before it. */
  line(now: number, columns: number): string | null {
    if (!this.count || this.drawsItself || this.rest !== '') return null;
    const { what, done, total } = this.count;
    const filled = Math.round(this.share * BAR_CELLS);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}`;
    const parts = [
      `${bar} ${Math.floor(this.share * 100)} %`,
      `${what} ${done}/${total}`,
      ...(this.loss === null ? [] : [`loss ${this.loss}`]),
      ...this.left(now),
    ];
    return cut(harmless(parts.join('  ')), columns - 1);
  }

  private get share(): number {
    return this.count ? this.count.done / this.count.total : 0;
  }

  private left(now: number): string[] {
    const { share } = this;
    if (!this.first || share <= this.first.share || share >= 1) return [];
    const seconds = (((now - this.first.at) / (share - this.first.share)) * (1 - share)) / 1000;
    return [`about ${duration(seconds)} left`];
  }
}
