import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

interface Drag {
  /** Of the row, in pixels of the window. */
  left: number;
  width: number;
  /** Shares of the row's width. */
  from: number;
  to: number;
}

/** Who moves less than that has clicked. A share of the width. */
const LEAST = 0.01;

/** What is being chosen by dragging over a row of `.bars`, and the handlers that see to it. Shares of the width, 0 … 1. */
export function useDrag(onChoice: (from: number, to: number) => void): {
  chosen: { from: number; to: number } | null;
  handlers: Pick<
    JSX.HTMLAttributes<HTMLDivElement>,
    'onPointerDown' | 'onPointerMove' | 'onPointerUp' | 'onPointerCancel'
  >;
} {
  const [drag, setDrag] = useState<Drag | null>(null);
  const isMeant = drag !== null && Math.abs(drag.to - drag.from) > LEAST;
  const chosen = isMeant ? { from: Math.min(drag.from, drag.to), to: Math.max(drag.from, drag.to) } : null;
  const handlers = {
    onPointerDown: ({ target, button, pointerType, clientX }: PointerEvent) => {
      const row = (target as Element).closest('.bars');
      // A finger scrolls.
      if (!row || button !== 0 || pointerType === 'touch') return;
      const { left, width } = row.getBoundingClientRect();
      const at = (clientX - left) / width;
      setDrag({ left, width, from: at, to: at });
    },
    onPointerMove: ({
      buttons,
      clientX,
      pointerId,
      currentTarget,
    }: JSX.TargetedPointerEvent<HTMLDivElement>) => {
      if (!drag) return;
      if (buttons === 0) return setDrag(null);
      const to = Math.min(Math.max((clientX - drag.left) / drag.width, 0), 1);
      // From here on the click that comes at the end is ours, and not that of the bar below.
      if (Math.abs(to - drag.from) > LEAST) currentTarget.setPointerCapture(pointerId);
      setDrag({ ...drag, to });
    },
    onPointerUp: () => {
      if (chosen) onChoice(chosen.from, chosen.to);
      setDrag(null);
    },
    onPointerCancel: () => setDrag(null),
  };
  return { chosen, handlers };
}
