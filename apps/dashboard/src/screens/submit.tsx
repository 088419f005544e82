import { FIELDS } from 'virtual:submission-fields';
import { BerthProblem } from '@berth/client';
import type { Explanation, Job } from '@berth/contract';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { inLocalTime, time } from '../figures.js';
import { client } from '../live/session.js';
import { useTitle } from '../live/title.js';
import { SubmissionField } from '../parts/submission-field.js';
import { Verdicts } from '../parts/verdicts.js';
import { asBerth, asCurl, type Form, isProgram, toForm, toSubmission } from './submission.js';
import type { Field } from './submission-fields.js';

/** Typing isn't to be answered letter by letter. */
const PAUSE_MS = 400;

/** What most jobs say, with words for it: label and hint. All else has the names and words of the schema. */
const PROGRAM: Record<string, [string, string?]> = {
  command: ['Command', 'python3 train.py --lr 0.1'],
  workingDirectory: ['Directory', '/home/ada/project'],
};
const USUAL: Record<string, [string, string?]> = {
  gpus: ['GPUs', '1, or as many as the mask names'],
  devices: ['On these only (mask)', '0,1'],
  'constraints.model': ['Model', 'H100'],
  'constraints.minMemory': ['Memory of the device, at least', '40GiB'],
  'sharing.memory': ['Share one device, with this much memory', '10GiB or auto'],
  timeLimit: ['Time limit', '2h'],
  priority: ['Priority'],
  name: ['Name'],
  launch: ['Processes: one, or one for each device'],
};
const BELOW: Record<string, [string, string?]> = {
  preemptible: ['May give way to jobs of higher priority'],
  environment: ['Environment, a NAME=VALUE on each line', 'SEED=1'],
};
const REST = FIELDS.filter(({ path }) => ![PROGRAM, USUAL, BELOW].some((some) => Object.hasOwn(some, path)));

export function SubmitScreen() {
  useTitle('Submit');
  const [form, setForm] = useState<Form>(cloned);
  const [problem, setProblem] = useState<string[]>([]);
  const [said, setSaid] = useState<Explanation | null>(null);
  const [, go] = useLocation();

  useEffect(() => {
    if (!isProgram(form)) {
      setSaid(null);
      setProblem([]);
      return;
    }
    const ending = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setSaid(await client.value.jobs.dryRun(toSubmission(form, FIELDS), { signal: ending.signal }));
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
      const { number } = await client.value.jobs.submit(toSubmission(form, FIELDS));
      go(`/jobs/${number}`);
    } catch (error) {
      setProblem(wordsOf(error as Error));
    }
  };
  const show = (field: Field, label?: string, hint?: string) => (
    <SubmissionField
      key={field.path}
      field={field}
      {...(label === undefined ? {} : { label })}
      {...(hint === undefined ? {} : { hint })}
      text={form[field.path] ?? ''}
      onText={(text) => setForm({ ...form, [field.path]: text })}
    />
  );
  const all = (some: Record<string, [string, string?]>) =>
    Object.entries(some).flatMap(([path, words]) => {
      const field = FIELDS.find((each) => each.path === path);
      return field ? show(field, ...words) : [];
    });
  return (
    <>
      <h1>Submit a job</h1>
      <form class="submit" onSubmit={submit}>
        {all(PROGRAM)}
        <div class="columns">{all(USUAL)}</div>
        {all(BELOW)}
        <details open={REST.some(({ path }) => form[path])}>
          <summary>Everything else that a job may say</summary>
          <div class="columns rest">{REST.map((field) => show(field))}</div>
        </details>
        <button type="submit" disabled={!isProgram(form)}>
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
      {said ? <ByHand form={form} /> : null}
    </>
  );
}

function ByHand({ form }: { form: Form }) {
  const { line, without } = asBerth(form, FIELDS);
  return (
    <section class="card">
      <h2>The same by hand</h2>
      <Copied text={line} what="the command line" />
      {without.length > 0 ? <p class="muted">berth submit has no flags for: {without.join(', ')}.</p> : null}
      <Copied text={asCurl(form, FIELDS, location.origin)} what="the request" />
    </section>
  );
}

function Copied({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState<string | null>(null);
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => setCopied(text),
      () => setCopied(null),
    );
  };
  return (
    <div class="copied">
      <pre class="same">{text}</pre>
      <button type="button" class="quiet" aria-label={`Copy ${what}`} onClick={copy}>
        {copied === text ? 'Copied' : 'Copy'}
      </button>
    </div>
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
          : `${ahead ?? 0} would go before it. ${latestStart ? `It would start by ${time(latestStart)}.` : `When is not known: ${inLocalTime(unknownBecause ?? '')}.`}`}
      </p>
      <Verdicts devices={devices} />
      {sooner.map((way) => (
        <p key={way}>Sooner: {inLocalTime(way)}</p>
      ))}
    </>
  );
}

function wordsOf(error: Error): string[] {
  if (error instanceof BerthProblem && error.errors.length > 0)
    return error.errors.map(({ pointer, detail }) => `${pointer.replace('#/', '')}: ${detail}`);
  return [error.message];
}

/** The job that its page left here for us. */
function cloned(): Form {
  const left = sessionStorage.getItem('berth-clone');
  sessionStorage.removeItem('berth-clone');
  return left ? toForm(JSON.parse(left) as Job, FIELDS) : {};
}
