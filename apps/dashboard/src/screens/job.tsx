import type { Job } from '@berth/contract';
import { ranSeconds } from '@berth/contract/job-time';
import { formatDuration } from '@berth/contract/quantities';
import { useState } from 'preact/hooks';
import { deadline, duration, gibibytes, inLocalTime, time, UNKNOWN } from '../figures.js';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import { useTitle } from '../live/title.js';
import { AttemptView } from '../parts/attempt-view.js';
import { Freshness } from '../parts/freshness.js';
import { Heads } from '../parts/heads.js';
import { JobActions } from '../parts/job-actions.js';
import { Scroll } from '../parts/scroll.js';
import { State } from '../parts/state.js';
import { Verdicts } from '../parts/verdicts.js';

export function JobScreen({ reference }: { reference: string }) {
  const [asked, askAgain] = useState(0);
  const polled = usePoll((signal) => client.value.jobs.get(reference, { signal }), 1500, asked);
  const job = polled.data;
  useTitle(job ? `Job ${job.number} ${job.name}` : `Job ${reference}`);
  if (!job)
    return (
      <>
        <h1>Job {reference}</h1>
        <Freshness polled={polled} />
      </>
    );
  return (
    <>
      <div class="title">
        <h1>
          Job {job.number} <span class="muted">{job.name}</span>
        </h1>
        <State state={job.state} />
        <Freshness polled={polled} />
      </div>
      {job.reason ? <p class="reason">Waits: {inLocalTime(job.reason.sentence)}</p> : null}
      {job.cause && job.state !== 'succeeded' ? (
        <p class="trouble" role="status">
          {inLocalTime(job.cause.sentence)}
        </p>
      ) : null}
      {job.cause?.diagnosis ? (
        <section class="advice card" aria-label="Diagnosis">
          <p>{job.cause.diagnosis.advice}</p>
          <pre class="same">{job.cause.diagnosis.line}</pre>
        </section>
      ) : null}
      {job.notices.map(({ at, sentence, detail }) => (
        <div class="trouble" key={at + sentence}>
          {time(at)}: {inLocalTime(sentence)}
          {detail === null ? null : <pre>{detail}</pre>}
        </div>
      ))}
      <JobActions job={job} onChange={() => askAgain(asked + 1)} />
      {job.state === 'pending' ? <Waiting job={job} /> : null}
      <Facts job={job} />
      {job.attempts.length > 0 ? <AttemptView job={job} /> : null}
      <Attempts job={job} />
    </>
  );
}

/** Who is ahead, every device with why not, when it starts. */
function Waiting({ job }: { job: Job }) {
  const polled = usePoll((signal) => client.value.jobs.explain(job, { signal }), 4000, job.id);
  const said = polled.data;
  if (!said) return null;
  return (
    <section class="card">
      <h2>When it starts</h2>
      <p>
        {said.ahead === null
          ? ''
          : said.ahead === 0
            ? 'It is first in line. '
            : `${said.ahead} go before it. `}
        {said.latestStart
          ? `It starts by ${deadline(said.latestStart)}${said.ahead ? ', as it looks now' : ' at the latest'}.`
          : `When is not known: ${inLocalTime(said.unknownBecause ?? '')}.`}
      </p>
      <Verdicts devices={said.devices} />
      {said.sooner.length > 0 ? (
        <>
          <h3>Sooner</h3>
          <ul>
            {said.sooner.map((way) => (
              <li key={way}>{inLocalTime(way)}</li>
            ))}
          </ul>
        </>
      ) : null}
    </section>
  );
}

const wordsOf = (words: Record<string, string>): string | null =>
  Object.entries(words)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ') || null;

function needsOf({ constraints }: Job): string | null {
  if (!constraints) return null;
  const { model, minMemoryBytes, minComputeCapability, node, labels } = constraints;
  const wishes = [
    model,
    minMemoryBytes && `${gibibytes(minMemoryBytes)} GiB or more`,
    minComputeCapability && `compute capability ${minComputeCapability} or more`,
    node,
    wordsOf(labels),
  ];
  return wishes.filter(Boolean).join(', ');
}

function timeLimitOf(seconds: number, { state, attempts }: Job): string {
  const limit = formatDuration(seconds);
  const startedAt = attempts.at(-1)?.startedAt;
  if (state !== 'running' || !startedAt) return limit;
  return `${limit}, until ${deadline(Date.parse(startedAt) + seconds * 1000)} at the latest`;
}

function codeOf({ commit, branch, dirty, snapshot }: NonNullable<Job['code']>): string {
  const parts = [
    commit?.slice(0, 12) ?? 'no commit',
    branch && `on ${branch}`,
    dirty && 'with uncommitted changes',
    snapshot && 'a copy of it',
  ];
  return parts.filter(Boolean).join(', ');
}

function Facts({ job }: { job: Job }) {
  const facts: [string, string | null][] = [
    ['Command', job.command?.join(' ') ?? job.script],
    ['Directory', job.workingDirectory],
    ['User', job.user],
    [
      'GPUs',
      `${job.gpus}${job.devices === null ? '' : ` of "${job.devices}"`}${job.launch === 'perDevice' ? ', one process each' : ''}`,
    ],
    [
      'Shares',
      job.sharing &&
        (job.sharing.slots
          ? `1/${job.sharing.slots} of a device`
          : `${gibibytes(job.sharing.memoryBytes)} GiB of a device`),
    ],
    ['Priority', String(job.priority)],
    ['Needs', needsOf(job)],
    ['Time limit', job.timeLimit === null ? 'none' : timeLimitOf(job.timeLimit, job)],
    ['Labels', wordsOf(job.labels)],
    ['Variables', wordsOf(job.environment)],
    ['Code', job.code && codeOf(job.code)],
    ['After', job.after.map(({ number, on }) => `job ${number} has ${on}`).join(', ') || null],
    ['Retries', job.retry && `${job.retries} of ${job.retry.limit}`],
    ['Submitted', time(job.submittedAt)],
    ['Started', job.startedAt && time(job.startedAt)],
    ['Ended', job.endedAt && time(job.endedAt)],
    ['Ran for', duration(ranSeconds(job, Date.now()))],
    ...(job.deviceUse ?? []).map((use): [string, string] => [
      `Memory on ${use.index}`,
      `${gibibytes(use.jobBytes)} GiB${use.declaredBytes === null ? '' : ` of the ${gibibytes(use.declaredBytes)} that it declared`}, ${gibibytes(use.peakBytes)} at the most`,
    ]),
  ];
  return (
    <dl class="facts card">
      {facts.map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

function Attempts({ job: { attempts } }: { job: Job }) {
  if (attempts.length === 0) return null;
  return (
    <section>
      <h2>Attempts</h2>
      {[...attempts].reverse().map((attempt) => (
        <article class="card" key={attempt.number}>
          <h3>
            {attempt.number} on {attempt.node}, device{attempt.devices.length === 1 ? '' : 's'}{' '}
            {attempt.devices.map(({ index }) => index).join(', ')}
          </h3>
          <p>
            Placed {time(attempt.placedAt)}, started {time(attempt.startedAt)}, ended {time(attempt.endedAt)}
          </p>
          {attempt.cause ? <p class="trouble">{inLocalTime(attempt.cause.sentence)}</p> : null}
          <Scroll label={`Tasks of attempt ${attempt.number}`}>
            <table>
              <Heads names={['Rank', 'State', 'Process', 'Exit', 'Host memory']} />
              <tbody>
                {attempt.tasks.map((task) => (
                  <tr key={task.rank}>
                    <td>{task.rank}</td>
                    <td>{task.state}</td>
                    <td>{task.pid ?? UNKNOWN}</td>
                    <td>{task.signal ?? task.exitCode ?? UNKNOWN}</td>
                    <td>
                      {task.maxResidentBytes === null ? UNKNOWN : `${gibibytes(task.maxResidentBytes)} GiB`}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </article>
      ))}
    </section>
  );
}
