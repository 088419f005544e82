import { FancyAnsi } from 'fancy-ansi';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { MOST_LINES } from '../live/log-lines.js';
import { usePreference } from '../live/preference.js';
import { useTaskLog } from '../live/task-log.js';
import { CheckBox } from './check-box.js';
import { lineAt, rowsOf } from './log-rows.js';
import { SaveLog } from './save-log.js';

const LINE_HEIGHT = 18;
/** Above and below what is seen. */
const SPARE_ROWS = 30;

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
  isOver,
  telling,
}: {
  /** Its number. */
  job: number;
  attempt: number;
  rank: number;
  /** Whether no more will be written. */
  isOver: boolean;
  /** The line that says why it failed. */
  telling: string | null;
}) {
  const { log, problem } = useTaskLog(job, attempt, rank);
  const box = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLElement>(null);
  const [, draw] = useState(0);
  const [follows, setFollows] = useState(true);
  const [search, setSearch] = useState('');
  const [isWrapped, setWrapped] = usePreference<boolean>('wrap-lines', false);
  const room = useColumns(box, ruler);
  const columns = isWrapped ? room : null;

  const wanted = search.toLowerCase();
  const lines = useMemo(
    () => (wanted ? log.shown.filter((line) => line.toLowerCase().includes(wanted)) : log.shown),
    [log, log.version, wanted],
  );
  const begins = useMemo(() => rowsOf(lines, columns), [lines, log.version, columns]);
  const rows = begins[lines.length] as number;
  const fitting = Math.ceil((box.current?.clientHeight ?? 400) / LINE_HEIGHT);
  const top = follows ? rows - fitting : Math.floor((box.current?.scrollTop ?? 0) / LINE_HEIGHT);
  const first = lineAt(begins, top - SPARE_ROWS);
  const seen = lines.slice(first, lineAt(begins, top + fitting + SPARE_ROWS) + 1);

  // For more to follow alone: drawn for another reason, it would take back a scroll that it hasn't heard of yet.
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follows, log.version, rows]);

  const scrollTo = (line: number, above: number): void => {
    if (!box.current) return;
    box.current.scrollTop = Math.max(0, (begins[line] as number) * LINE_HEIGHT - above);
    draw((n) => n + 1);
  };
  // Wrapped otherwise, it begins with the same line.
  const topLine = useRef(0);
  useLayoutEffect(() => {
    if (!follows) scrollTo(Math.min(topLine.current, lines.length), 0);
  }, [columns]);

  const place = telling === null ? -1 : lines.findLastIndex((line) => line.includes(telling.trim()));

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
        <CheckBox name="Follow" isChecked={follows} onChange={setFollows} />
        <CheckBox name="Wrap lines" isChecked={isWrapped} onChange={setWrapped} />
        <SaveLog job={job} attempt={attempt} rank={rank} />
        {place === -1 ? null : (
          <button
            type="button"
            onClick={() => {
              setFollows(false);
              scrollTo(place, (box.current?.clientHeight ?? 0) / 2);
            }}
          >
            Go to what failed it
          </button>
        )}
        <span class="muted">
          {log.shown.length === 0
            ? isOver
              ? 'nothing was written'
              : 'nothing written yet'
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
        class={`log-lines ${isWrapped ? 'wrapped' : ''}`}
        role="log"
        aria-label="Output of the job"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the arrow keys
        tabIndex={0}
        ref={box}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          const atEnd = scrollHeight - scrollTop - clientHeight < 2 * LINE_HEIGHT;
          topLine.current = lineAt(begins, Math.floor(scrollTop / LINE_HEIGHT));
          if (atEnd !== follows) setFollows(atEnd);
          else if (!atEnd) draw((n) => n + 1);
        }}
      >
        <div style={{ height: `${rows * LINE_HEIGHT}px` }}>
          <pre style={{ transform: `translateY(${(begins[first] as number) * LINE_HEIGHT}px)` }}>
            <i class="ruler" aria-hidden="true" ref={ruler} />
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

/** How many columns a log's box has room for; its ruler, in the text, is one wide. */
function useColumns(box: RefObject<HTMLElement>, ruler: RefObject<HTMLElement>): number {
  const [columns, setColumns] = useState(80);
  useEffect(() => {
    const [whole, column] = [box.current, ruler.current];
    if (!whole || !column) return;
    const measure = (): void => {
      const { paddingLeft, paddingRight } = getComputedStyle(column.parentElement as HTMLElement);
      const width = whole.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
      setColumns(Math.max(1, Math.floor(width / column.getBoundingClientRect().width)));
    };
    const fit = new ResizeObserver(measure);
    fit.observe(whole);
    return () => fit.disconnect();
  }, []);
  return columns;
}
