import { BerthClient } from '@berth/client';
import { computed, signal } from '@preact/signals';

const KEPT_AS = 'berth-token';

/** Takes a token from the address (`#token=…`, which never reaches a server) and hides it again. */
function tokenFromAddress(): string | null {
  const found = /^#token=([\w.-]+)$/.exec(location.hash)?.[1] ?? null;
  if (found) history.replaceState(null, '', location.pathname + location.search);
  return found;
}

const fromAddress = tokenFromAddress();
if (fromAddress) localStorage.setItem(KEPT_AS, fromAddress);

/** What the daemon is asked with; null: the page asks for it. */
export const token = signal<string | null>(localStorage.getItem(KEPT_AS));

/** When the daemon last answered as things were before, for want of its ledger, and how long before. */
export const oldAnswer = signal<{ at: number; ageSeconds: number } | null>(null);

export function noteOldAnswer(ageSeconds: number): void {
  oldAnswer.value = { at: Date.now(), ageSeconds: Math.round(ageSeconds) };
}

export const client = computed(
  () =>
    new BerthClient({
      url: location.origin,
      token: token.value ?? undefined,
      retrySeconds: 0,
      onOldAnswer: noteOldAnswer,
    }),
);

export function signIn(given: string): void {
  localStorage.setItem(KEPT_AS, given);
  token.value = given;
}

export function signOut(): void {
  localStorage.removeItem(KEPT_AS);
  token.value = null;
}
