import { useState } from 'preact/hooks';

/**
 * What somebody likes to see how, kept in this browser.
 * @param first what it is for who has never chosen
 */
export function usePreference<T extends string | number | boolean>(
  name: string,
  first: T,
): [T, (choice: T) => void] {
  const [chosen, choose] = useState<T>(() => keptOf(`berth-${name}`, first));
  return [
    chosen,
    (choice) => {
      localStorage.setItem(`berth-${name}`, JSON.stringify(choice));
      choose(choice);
    },
  ];
}

/** What isn't of the right kind, or no JSON, was written by another version, or by hand. */
function keptOf<T>(key: string, first: T): T {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return typeof kept === typeof first ? (kept as T) : first;
  } catch {
    return first;
  }
}
