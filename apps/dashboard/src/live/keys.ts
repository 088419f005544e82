import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'wouter-preact';

/** `g` and then one of these goes to a screen. */
const SCREENS: Record<string, string> = {
  d: '/',
  q: '/jobs',
  j: '/jobs',
  t: '/timeline',
  s: '/submit',
  u: '/usage',
};

/** What the keys do, for people. */
export const KEYS: readonly [string, string][] = [
  ['g d', 'devices'],
  ['g j', 'jobs, the queue'],
  ['g t', 'timeline'],
  ['g s', 'submit'],
  ['g u', 'usage'],
  ['/', 'search'],
  ['j k', 'the next job of a list, the one before it; Enter opens it'],
  ['h l n', 'on the timeline: earlier, later, now'],
  ['?', 'these keys'],
];

/** Where letters mean something else. */
const WRITABLE = 'textarea, select, input:not([type=radio], [type=checkbox], [type=range])';

/** Listens to the keys, where nobody writes. */
export function useKeys(onHelp: () => void): void {
  const [, go] = useLocation();
  const isLed = useRef(false);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { key, target, ctrlKey, metaKey, altKey } = event;
      if (ctrlKey || metaKey || altKey || (target as Element).matches(WRITABLE)) return;
      const screen = isLed.current ? SCREENS[key] : undefined;
      isLed.current = key === 'g';
      if (screen) go(screen);
      else if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1);
      else if (key === '?') onHelp();
      else if (key === '/') {
        event.preventDefault();
        document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
      } else document.querySelector<HTMLElement>(`[aria-keyshortcuts="${CSS.escape(key)}"]`)?.click();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [go, onHelp]);
}

function step(by: number): void {
  const jobs = [...document.querySelectorAll<HTMLAnchorElement>('.jobs tbody a')];
  const at = jobs.indexOf(document.activeElement as HTMLAnchorElement);
  const next = at === -1 ? (by > 0 ? 0 : jobs.length - 1) : at + by;
  jobs[next]?.focus();
}
