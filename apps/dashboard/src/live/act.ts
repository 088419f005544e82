import { useState } from 'preact/hooks';

/**
 * For buttons that ask the daemon to do something: whether it is being done, and what it refuses, is said beside them.
 * @param onChange after each try: what is shown may be old
 */
export function useAct(onChange?: () => void): {
  act: (work: () => Promise<unknown>) => () => Promise<void>;
  error: string | null;
  isBusy: boolean;
} {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const act = (work: () => Promise<unknown>) => async (): Promise<void> => {
    setBusy(true);
    try {
      await work();
      setError(null);
    } catch (failed) {
      setError((failed as Error).message);
    }
    setBusy(false);
    onChange?.();
  };
  return { act, error, isBusy };
}
