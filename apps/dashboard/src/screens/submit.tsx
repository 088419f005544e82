import { FIELDS } from 'virtual:submission-fields';
import { newIdempotencyKey } from '@berth/client';
import type { Explanation, Job } from '@berth/contract';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { inLocalTime, time } from '../figures.js';
import { useWhyNot } from '../live/me.js';
import { client } from '../live/session.js';
import { useTitle } from '../live/title.js';
import { Copied } from '../parts/copied.js';
import { nameOf, SubmissionField } from '../parts/submission-field.js';
import { Verdicts } from '../parts/verdicts.js';
import {
  asBerth,
  asCurl,
  type Form,
  isProgram,
  type Mistake,
  mistakesIn,
  shellSign,
  toForm,
  toSubmission,
} from './submission.js';
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
const NAMED: Record<string, [string, string?]> = { ...PROGRAM, ...USUAL, ...BELOW };
const REST = FIELDS.filter(({ path }) => !Object.hasOwn(NAMED, path));

export function SubmitScreen() {
  useTitle('Submit');
  const whyNot = useWhyNot()('submit');
  return (
    <>
      <h1>Submit a job</h1>
      {whyNot === null ? <SubmitForm /> : <p class="trouble">{whyNot}.</p>}
    </>
  );
}

function SubmitForm() {
  const [form, setForm] = useState<Form>(begun);
  const [mistakes, setMistakes] = useState<Mistake[]>([]);
  /** What was said, and of which form: that which is typed now may not be readable yet. */
  const [said, setSaid] = useState<{ explanation: Explanation; form: Form } | null>(null);
  const [isBusy, setBusy] = useState(false);
  /** Submitted again as it is, after an answer that was lost, a form is the same job. */
  const idempotencyKey = useMemo(newIdempotencyKey, [form]);
  const [, go] = useLocation();

  useEffect(() => {
    const ending = new AbortController();
    const timer = setTimeout(async () => {
      keep(form);
      if (!isProgram(form)) {
        setSaid(null);
        setMistakes([]);
        return;
      }
      try {
        const { signal } = ending;
        const explanation = await client.value.jobs.dryRun(toSubmission(form, FIELDS), { signal });
        setSaid({ explanation, form });
        setMistakes([]);
      } catch (error) {
        if (ending.signal.aborted) return;
        setSaid(null);
        setMistakes(mistakesIn(error as Error, FIELDS));
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [form]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    keep(form);
    setBusy(true);
    try {
      const { number } = await client.value.jobs.submit(toSubmission(form, FIELDS), { idempotencyKey });
      go(`/jobs/${number}`);
    } catch (error) {
      setMistakes(mistakesIn(error as Error, FIELDS));
      setBusy(false);
    }
  };
  const show = (field: Field, label?: string, hint?: string) => (
    <SubmissionField
      key={field.path}
      field={field}
      {...(label === undefined ? {} : { label })}
      {...(hint === undefined ? {} : { hint })}
      text={form[field.path] ?? ''}
      mistakes={mistakes.flatMap(({ path }, i) => (path === field.path ? [mistakeId(i)] : []))}
      onText={(text) => setForm({ ...form, [field.path]: text })}
    >
      {field.path === 'command' ? <NoShell form={form} onForm={setForm} /> : null}
    </SubmissionField>
  );
  const isNeeded = ({ path }: Field) => form[path] || mistakes.some((mistake) => mistake.path === path);
  const all = (some: Record<string, [string, string?]>) =>
    Object.entries(some).flatMap(([path, words]) => {
      const field = FIELDS.find((each) => each.path === path);
      return field ? show(field, ...words) : [];
    });
  return (
    <>
      <form class="submit" onSubmit={submit}>
        {all(PROGRAM)}
        <div class="columns">{all(USUAL)}</div>
        {all(BELOW)}
        <details open={REST.some(isNeeded)}>
          <summary>Everything else that a job may say</summary>
          <div class="columns rest">{REST.map((field) => show(field))}</div>
        </details>
        <button type="submit" disabled={isBusy || !isProgram(form)}>
          Submit
        </button>
      </form>
      <section aria-live="polite" class="card">
        <h2>What would become of it</h2>
        {mistakes.map(({ path, detail }, i) => (
          <p class="trouble" key={path + detail} id={mistakeId(i)}>
            {path === null ? detail : `${NAMED[path]?.[0] ?? nameOf(path)}: ${detail}`}
          </p>
        ))}
        {said ? (
          <DryRun said={said.explanation} />
        ) : mistakes.length === 0 ? (
          <p class="muted">Name a command.</p>
        ) : null}
      </section>
      {said ? <ByHand form={said.form} /> : null}
    </>
  );
}

const mistakeId = (i: number): string => `mistake-${i}`;

/** What looks like a shell's in a command is none, and would go to the program as it is. */
function NoShell({ form, onForm }: { form: Form; onForm: (form: Form) => void }) {
  const { command = '', script } = form;
  const sign = shellSign(command);
  if (sign === null) return null;
  return (
    <p class="actions">
      <span>
        No shell reads this: <code>{sign}</code> goes to the program as it is. Put it in quotes if that is
        meant.
      </span>
      {script ? null : (
        <button type="button" onClick={() => onForm({ ...form, command: '', script: command })}>
          Make it a script
        </button>
      )}
    </p>
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

/** What was typed stays with its place in the browser's history, where reloading and going back find it. */
function keep(form: Form): void {
  history.replaceState({ form }, '');
}

/** What was typed here before, or the job that its page sent here to be cloned. */
function begun(): Form {
  const { form, clone } = (history.state ?? {}) as { form?: Form; clone?: Job };
  return form ?? (clone ? toForm(clone, FIELDS) : {});
}
