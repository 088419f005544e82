import { FancyAnsi } from 'fancy-ansi';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { LogLines, MOST_LINES } from '../live/log-lines.js';
import { client } from '../live/session.js';

const LINE_HEIGHT = 18;
const SPARE_LINES = 30;
/** Lines come in pieces; drawing each would be too much. */
const DRAW_MS = 100;

/** Escapes what is HTML and colours what is ANSI. */
const ansi = new FancyAnsi();
/** Titles, links and the like (OSC): what a terminal does with them isn't wanted here. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const COMMANDS = /\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g;
/** Control characters that are neither a tabulator nor the beginning of an ANSI sequence. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\x00-\x08\x0a-\x1a\x1c-\x1f]/g;

const htmlOf = (line: string): string =>
  ansi
    .toHtml(line.replace(COMMANDS, ''))
    .replace(CONTROLS, (sign) => String.fromCharCode(0x2400 + sign.charCodeAt(0))) || ' ';

/** The log of a task, as it grows: only the lines that are seen are drawn, so that 100,000 are as smooth as ten. */
export function LogView({
  job,
  attempt,
  rank,
  telling,
}: {
  /** Its number. */
  job: number;
  attempt: number;
  rank: number;
  /** The line that says why it failed. */
  telling: string | null;
}) {
  const { log, problem } = useLog(job, attempt, rank);
  const box = useRef<HTMLDivElement>(null);
  const [, draw] = useState(0);
  const [follows, setFollows] = useState(true);
  const [search, setSearch] = useState('');

  const wanted = search.toLowerCase();
  const lines = useMemo(
    () => (wanted ? log.shown.filter((line) => line.toLowerCase().includes(wanted)) : log.shown),
    [log, log.version, wanted],
  );
  const height = box.current?.clientHeight ?? 400;
  const top = box.current?.scrollTop ?? 0;
  const first = follows
    ? Math.max(0, lines.length - Math.ceil(height / LINE_HEIGHT) - SPARE_LINES)
    : Math.max(0, Math.floor(top / LINE_HEIGHT) - SPARE_LINES);
  const seen = lines.slice(first, first + Math.ceil(height / LINE_HEIGHT) + 2 * SPARE_LINES);

  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  });

  const place = telling === null ? -1 : lines.findLastIndex((line) => line.includes(telling.trim()));
  const goTo = (line: number): void => {
    setFollows(false);
    const element = box.current as HTMLDivElement;
    element.scrollTop = Math.max(0, line * LINE_HEIGHT - element.clientHeight / 2);
    draw((n) => n + 1);
  };

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
        {place === -1 ? null : (
          <button type="button" onClick={() => goTo(place)}>
            Go to what failed it
          </button>
        )}
        <span class="muted">
          {log.shown.length === 0
            ? 'nothing written yet'
            : `${lines.length} line${lines.length === 1 ? '' : 's'}`}
          {log.dropped > 0 || log.shown.length >= MOST_LINES ? (
            <>
              , the newest; all of them:{' '}
              <code>
                berth logs {job} --attempt {attempt} --rank {rank}
              </code>
            </>
          ) : null}
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
              <div
                key={first + i}
                class={first + i === place ? 'telling' : undefined}
                dangerouslySetInnerHTML={{ __html: htmlOf(line) }}
              />
            ))}
          </pre>
        </div>
      </div>
    </div>
  );
}

/** The newest lines of a log, and those that come. */
function useLog(job: number, attempt: number, rank: number): { log: LogLines; problem: string | null } {
  const log = useRef(new LogLines());
  const [, draw] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    let timer = 0;
    const redraw = (): void => {
      timer ||= window.setTimeout(() => {
        timer = 0;
        draw((n) => n + 1);
      }, DRAW_MS);
    };
    const read = async (): Promise<void> => {
      try {
        const options = { rank, attempt, tail: MOST_LINES, follow: true, signal: ending.signal };
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
      clearTimeout(timer);
    };
  }, [job, attempt, rank]);
  return { log: log.current, problem };
}
