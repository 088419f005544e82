import type { Job } from '@berth/contract';
import { isEnded } from '@berth/contract/state-groups';
import { useState } from 'preact/hooks';
import { useJobInsight } from '../live/job-insight.js';
import { MOST_RANKS, ranksOf, useRankSeries } from '../live/rank-series.js';
import { Curves } from './curves.js';
import { LogView } from './log-view.js';
import { rightSizes } from './right-size.js';
import { TrainingView } from './training.js';

/** Instead of a rank. */
const EVERY = -1;

type Option = readonly [value: number, label: string];

const numbered = (from: number, count: number, before = ''): Option[] =>
  Array.from({ length: count }, (_, i) => [from + i, `${before}${from + i}`]);

/** Of one attempt, the last if nobody wants another: how the training of a rank goes, what it writes, and what it had of its devices. */
export function AttemptView({ job }: { job: Job }) {
  const last = job.attempts.length;
  const [chosen, choose] = useState<number | null>(null);
  const number = chosen ?? last;
  const [rank, setRank] = useState(0);
  const [isEvery, setEvery] = useState(false);
  const insight = useJobInsight(job, number, rank);
  const every = useRankSeries(job, number, isEvery);
  const shown = isEvery
    ? (every ?? []).map((series, i) => ({ rank: i, series }))
    : [{ rank, series: insight?.metrics.series ?? [] }];
  const tasks = ranksOf(job);
  const ranks = numbered(0, tasks, 'rank ');
  const attempt = job.attempts[number - 1] as Job['attempts'][number];
  const task = attempt.tasks.find((each) => each.rank === rank);
  const sizes = insight ? rightSizes(job, insight.metrics, insight.devices) : [];
  return (
    <>
      {last > 1 ? (
        <Choice
          name="Attempt"
          options={numbered(1, last)}
          value={number}
          onChoice={(choice) => choose(choice === last ? null : choice)}
        />
      ) : null}
      {isEnded(job.state) && sizes.length > 0 ? (
        <section class="card" aria-label="What it used">
          {sizes.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </section>
      ) : null}
      {insight ? (
        <TrainingView
          metrics={insight.metrics}
          ranks={shown}
          begin={Date.parse(attempt.startedAt ?? attempt.placedAt)}
          chooser={
            tasks === 1 ? null : (
              <Choice
                name="Curves of"
                options={[
                  [EVERY, tasks > MOST_RANKS ? `the first ${MOST_RANKS} ranks` : 'every rank'],
                  ...ranks,
                ]}
                value={isEvery ? EVERY : rank}
                onChoice={(choice) => {
                  setEvery(choice === EVERY);
                  if (choice !== EVERY) setRank(choice);
                }}
              />
            )
          }
        />
      ) : null}
      <Logs job={job} attempt={number} rank={rank} onRank={setRank} />
      {insight ? <Curves metrics={insight.metrics} own={task?.devices[0] ?? null} /> : null}
    </>
  );
}

function Logs({
  job,
  attempt,
  rank,
  onRank,
}: {
  job: Job;
  attempt: number;
  rank: number;
  onRank: (rank: number) => void;
}) {
  const tasks = ranksOf(job);
  return (
    <section aria-label="Log">
      <div class="title">
        <h2>Log</h2>
        {tasks > 1 ? (
          <Choice name="Rank" options={numbered(0, tasks)} value={rank} onChoice={onRank} />
        ) : null}
      </div>
      <LogView
        job={job.number}
        attempt={attempt}
        rank={rank}
        isOver={job.attempts[attempt - 1]?.endedAt !== null}
        telling={job.attempts[attempt - 1]?.cause?.diagnosis?.line ?? null}
        key={`${attempt}/${rank}`}
      />
    </section>
  );
}

function Choice({
  name,
  options,
  value,
  onChoice,
}: {
  name: string;
  options: readonly Option[];
  value: number;
  onChoice: (value: number) => void;
}) {
  return (
    <label>
      {name}{' '}
      <select value={value} onChange={({ currentTarget }) => onChoice(Number(currentTarget.value))}>
        {options.map(([each, label]) => (
          <option value={each} key={each}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
