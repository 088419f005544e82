import { useRef, useState } from 'preact/hooks';

/** A text to take elsewhere. A page that came without TLS from another host has no clipboard: there it is selected. */
export function Copied({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<{ text: string; said: string } | null>(null);
  const shown = useRef<HTMLPreElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setDone({ text, said: 'Copied' });
    } catch {
      getSelection()?.selectAllChildren(shown.current as HTMLPreElement);
      setDone({ text, said: 'Selected: copy it with Ctrl+C' });
    }
  };
  return (
    <div class="copied">
      <pre class="same" ref={shown}>
        {text}
      </pre>
      <button type="button" class="quiet" aria-label={`Copy ${what}`} onClick={copy}>
        Copy
      </button>
      <span role="status" class="muted">
        {done?.text === text ? done.said : ''}
      </span>
    </div>
  );
}
