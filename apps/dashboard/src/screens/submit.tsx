import { BerthProblem } from '@berth/client';
import type { Explanation } from '@berth/contract';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { time } from '../figures.js';
import { client } from '../live/session.js';
import { asBerth, asCurl, EMPTY, type Form, toSubmission } from './submission.js';

/** Typing isn't to be answered letter by letter. */
const PAUSE_MS = 400;

export function SubmitScreen() {
  const [form, setForm] = useState<Form>(cloned);
  const [problem, setProblem] = useState<string[]>([]);
  const [said, setSaid] = useState<Explanation | null>(null);
  const [, go] = useLocation();

  useEffect(() => {
    if (form.command.trim() === '') return;
    const ending = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setSaid(await client.value.jobs.dryRun(toSubmission(form), { signal: ending.signal }));
        setProblem([]);
      } catch (error) {
        if (ending.signal.aborted) return;
        setSaid(null);
        setProblem(wordsOf(error as Error));
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [form]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const { number } = await client.value.jobs.submit(toSubmission(form));
      go(`/jobs/${number}`);
    } catch (error) {
      setProblem(wordsOf(error as Error));
    }
  };
  const text = (name: keyof Form, label: string, hint = '') => (
    <label class="field">
      {label}
      <input
        value={String(form[name])}
        placeholder={hint}
        onInput={({ currentTarget }) => setForm({ ...form, [name]: currentTarget.value })}
      />
    </label>
  );
  return (
    <>
      <h1>Submit a job</h1>
      <form class="submit" onSubmit={submit}>
        {text('command', 'Command', 'python3 train.py --lr 0.1')}
        {text('workingDirectory', 'Directory', '/home/ada/project')}
        <div class="columns">
          {text('gpus', 'GPUs')}
          {text('devices', 'On these only (mask)', '0,1')}
          {text('model', 'Model', 'H100')}
          {text('minMemory', 'Memory of the device, at least', '40GiB')}
          {text('shareMemory', 'Share one device, with this much memory', '10GiB or auto')}
          {text('timeLimit', 'Time limit', '2h')}
          {text('priority', 'Priority')}
          {text('name', 'Name')}
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={form.launch === 'perDevice'}
            onChange={({ currentTarget }) =>
              setForm({ ...form, launch: currentTarget.checked ? 'perDevice' : 'single' })
            }
          />{' '}
          One process for each device (RANK, WORLD_SIZE, …)
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={form.preemptible}
            onChange={({ currentTarget }) => setForm({ ...form, preemptible: currentTarget.checked })}
          />{' '}
          May give way to jobs of higher priority
        </label>
        <label class="field">
          Environment, a NAME=VALUE on each line
          <textarea
            rows={3}
            value={form.environment}
            onInput={({ currentTarget }) => setForm({ ...form, environment: currentTarget.value })}
          />
        </label>
        <button type="submit" disabled={form.command.trim() === ''}>
          Submit
        </button>
      </form>
      <section aria-live="polite" class="card">
        <h2>What would become of it</h2>
        {problem.map((line) => (
          <p class="trouble" key={line}>
            {line}
          </p>
        ))}
        {said ? <DryRun said={said} /> : problem.length === 0 ? <p class="muted">Name a command.</p> : null}
      </section>
      {form.command.trim() && problem.length === 0 ? (
        <section class="card">
          <h2>The same by hand</h2>
          <pre class="same">{asBerth(form)}</pre>
          <pre class="same">{asCurl(form, location.origin)}</pre>
        </section>
      ) : null}
    </>
  );
}

function DryRun({
  said: { startsNow, ahead, latestStart, unknownBecause, devices, sooner },
}: {
  said: Explanation;
}) {
  return (
    <>
      <p>
        {startsNow
          ? 'It would start now.'
          : `${ahead ?? 0} would go before it. ${latestStart ? `It would start by ${time(latestStart)}.` : `When is not known: ${unknownBecause}.`}`}
      </p>
      <ul class="verdicts">
        {devices.map(({ uuid, index, verdict, why }) => (
          <li key={uuid}>
            <span class="index">{index}</span> <strong>{verdict}</strong> {why}
          </li>
        ))}
      </ul>
      {sooner.map((way) => (
        <p key={way}>Sooner: {way}</p>
      ))}
    </>
  );
}

function wordsOf(error: Error): string[] {
  if (error instanceof BerthProblem && error.errors.length > 0)
    return error.errors.map(({ pointer, detail }) => `${pointer.replace('#/', '')}: ${detail}`);
  return [error.message];
}

/** What the job's page left here for us. */
function cloned(): Form {
  const left = sessionStorage.getItem('berth-clone');
  sessionStorage.removeItem('berth-clone');
  return left ? (JSON.parse(left) as Form) : EMPTY;
}
