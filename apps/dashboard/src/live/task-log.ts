import { useEffect, useRef, useState } from 'preact/hooks';
import { LogLines, MOST_LINES } from './log-lines.js';
import { client } from './session.js';

/** Lines come in pieces; drawing each would be too much. */
const DRAW_MS = 100;

/**
 * The newest lines of a task's log, and those that come.
 * @param job its number
 */
export function useTaskLog(
  job: number,
  attempt: number,
  rank: number,
): { log: LogLines; problem: string | null } {
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
