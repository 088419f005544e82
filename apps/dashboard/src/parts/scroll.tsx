import type { ComponentChildren } from 'preact';

/** What may be wider than the screen scrolls by itself, also by keyboard. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the arrow keys
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
