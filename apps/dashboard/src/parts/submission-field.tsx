import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Field } from '../screens/submission-fields.js';

/**
 * One field of the form, as its schema has it.
 * @param label what it is called; without one, its path says it, and its description stands below
 * @param mistakes the ids of the elements that say what is wrong with it
 * @param children stand below it
 */
export function SubmissionField({
  field: { path, kind, choices, initial, example, description },
  label,
  hint,
  text,
  mistakes,
  onText,
  children,
}: {
  field: Field;
  label?: string;
  hint?: string;
  text: string;
  mistakes: readonly string[];
  onText: (text: string) => void;
  children?: ComponentChildren;
}) {
  const id = useId();
  const help = label === undefined && description ? `${id}-help` : undefined;
  const words = {
    'aria-describedby': [...mistakes, help].filter(Boolean).join(' ') || undefined,
    'aria-invalid': mistakes.length > 0 || undefined,
    title: help ? undefined : description,
  };
  const common = {
    ...words,
    id,
    value: text,
    placeholder: hint ?? example,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onText(currentTarget.value),
  };
  const name = label ?? nameOf(path);
  const note = help ? (
    <small class="muted" id={help}>
      {description}
    </small>
  ) : null;
  if (kind === 'yes')
    return (
      <div class="field">
        <label class="check">
          <input
            type="checkbox"
            checked={text === 'true'}
            {...words}
            onChange={({ currentTarget }) => onText(currentTarget.checked ? 'true' : '')}
          />{' '}
          {name}
        </label>
        {note}
      </div>
    );
  return (
    <div class="field">
      <label for={id}>{name}</label>
      {kind === 'choice' ? (
        <select {...common}>
          <option value="">{initial || 'as usual'}</option>
          {choices
            .filter((choice) => choice !== initial)
            .map((choice) => (
              <option key={choice}>{choice}</option>
            ))}
        </select>
      ) : kind === 'pairs' || kind === 'lines' || kind === 'json' ? (
        <textarea rows={3} {...common} placeholder={hint ?? (kind === 'pairs' ? 'NAME=VALUE' : example)} />
      ) : (
        <input {...common} placeholder={common.placeholder || initial} />
      )}
      {children}
      {note}
    </div>
  );
}

/** `retry.maxBackoff` as people read it: `Retry: max backoff`. */
export function nameOf(path: string): string {
  const text = path.replace('.', ': ').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
