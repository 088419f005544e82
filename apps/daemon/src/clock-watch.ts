const LOOK_EVERY_MS = 10_000;
/** More than any slow correction makes in that time, and less than a person would notice. */
const STEP_MS = 1000;

/**
 * Calls back when the wall clock was set, forwards or backwards: it then goes apart from the clock that only counts.
 * A host that slept is one whose clock was set forwards.
 * @returns a function that ends it
 */
export function watchClock(onStep: (milliseconds: number) => void): () => void {
  const apart = (): number => Date.now() - performance.now();
  let before = apart();
  const timer = setInterval(() => {
    const step = apart() - before;
    if (Math.abs(step) < STEP_MS) return;
    before += step;
    onStep(Math.round(step));
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
