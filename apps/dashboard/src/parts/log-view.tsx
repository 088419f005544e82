import { FancyAnsi } from 'fancy-ansi';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { LogLines } from '../live/log-lines.js';
import { client } from '../live/session.js';

const LINE_HEIGHT = 18;
const SPARE_LINES = 30;
/** Lines come in pieces; drawing each would be too much. */
const DRAW_MS = 100;

/** Escapes what is HTML and colours what is ANSI. */
const ansi = new FancyAnsi();

/** The log of a task, as it grows: only the lines that are seen are drawn, so that 100,000 are as smooth as ten. */
export function LogView({ job, attempt, rank }: { job: string; attempt: number; rank: number }) {
  const log = useRef(new LogLines());
  const box = useRef<HTMLDivElement>(null);
  const [, draw] = useState(0);
  const [follows, setFollows] = useState(true);
  const [problem, setProblem] = useState<string | null>(null);
  const [search, setSearch] = useState('');

  useEffect(() => {
    const ending = new AbortController();
    const timer = { id: 0 };
    const redraw = (): void => {
      timer.id ||= window.setTimeout(() => {
        timer.id = 0;
        draw((n) => n + 1);
      }, DRAW_MS);
    };
    const read = async (): Promise<void> => {
      try {
        const options = { rank, attempt, follow: true, signal: ending.signal };
        for await (const bytes of client.value.jobs.logs(job, options)) {
          log.current.add(bytes);
          redraw();
        }
      } catch (error) {
        if (!ending.signal.aborted) setProblem((error as Error).message);
      }
    };
    void read();
    return () => {
      ending.abort();
      clearTimeout(timer.id);
    };
  }, [job, attempt, rank]);

  const all = log.current.shown;
  const wanted = search.toLowerCase();
  const lines = wanted ? all.filter((line) => line.toLowerCase().includes(wanted)) : all;
  const height = box.current?.clientHeight ?? 400;
  const top = box.current?.scrollTop ?? 0;
  const first = follows
    ? Math.max(0, lines.length - Math.ceil(height / LINE_HEIGHT) - SPARE_LINES)
    : Math.max(0, Math.floor(top / LINE_HEIGHT) - SPARE_LINES);
  const seen = lines.slice(first, first + Math.ceil(height / LINE_HEIGHT) + 2 * SPARE_LINES);

  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  });

  return (
    <div class="log">
      <div class="filters">
        <label>
          Search{' '}
          <input
            type="search"
            value={search}
            onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={follows}
            onChange={({ currentTarget }) => setFollows(currentTarget.checked)}
          />{' '}
          Follow
        </label>
        <span class="muted">
          {lines.length} line{lines.length === 1 ? '' : 's'}
          {log.current.dropped > 0 ? `, ${log.current.dropped} older ones not shown` : ''}
        </span>
      </div>
      {problem ? <p class="trouble">{problem}</p> : null}
      <div
        class="log-lines"
        role="log"
        aria-label="Output of the job"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the arrow keys
        tabIndex={0}
        ref={box}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          const atEnd = scrollHeight - scrollTop - clientHeight < 2 * LINE_HEIGHT;
          if (atEnd !== follows) setFollows(atEnd);
          else if (!atEnd) draw((n) => n + 1);
        }}
      >
        <div style={{ height: `${lines.length * LINE_HEIGHT}px` }}>
          <pre style={{ transform: `translateY(${first * LINE_HEIGHT}px)` }}>
            {seen.map((line, i) => (
              // fancy-ansi escapes HTML; a test holds it to that.
              <div key={first + i} dangerouslySetInnerHTML={{ __html: ansi.toHtml(line) || ' ' }} />
            ))}
          </pre>
        </div>
      </div>
    </div>
  );
}
