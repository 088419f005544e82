import { useState } from 'preact/hooks';
import { focusOnce } from './focus.js';

/** A button for what can't be undone: it asks once more. */
export function Confirm({
  verb,
  about,
  onConfirm,
}: {
  verb: string;
  /** Of whom, for who hears one of many such buttons. */
  about: string;
  onConfirm: () => void;
}) {
  const [isAsked, ask] = useState(false);
  if (!isAsked)
    return (
      <button type="button" aria-label={`${verb} ${about}`} onClick={() => ask(true)}>
        {verb}
      </button>
    );
  return (
    <>
      <button
        type="button"
        class="grave"
        aria-label={`Yes, ${verb.toLowerCase()} ${about}`}
        ref={focusOnce}
        onKeyDown={({ key }) => key === 'Escape' && ask(false)}
        onClick={() => {
          ask(false);
          onConfirm();
        }}
      >
        Yes, {verb.toLowerCase()}
      </button>
      <button type="button" aria-label={`Don't ${verb.toLowerCase()} ${about}`} onClick={() => ask(false)}>
        No
      </button>
    </>
  );
}
