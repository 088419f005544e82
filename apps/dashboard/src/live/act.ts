import { useState } from 'preact/hooks';

/**
 * For buttons that ask the daemon to do something: what it refuses is said beside them.
 * @param onChange after each try: what is shown may be old
 */
export function useAct(onChange: () => void): {
  act: (work: () => Promise<unknown>) => () => Promise<void>;
  error: string | null;
} {
  const [error, setError] = useState<string | null>(null);
  const act = (work: () => Promise<unknown>) => async (): Promise<void> => {
    try {
      await work();
      setError(null);
    } catch (failed) {
      setError((failed as Error).message);
    }
    onChange();
  };
  return { act, error };
}
