const LOOK_EVERY_MS = 1000;
/** More than any slow correction makes in that time, and less than a person would notice. */
const STEP_MS = 1000;

/** A look at whether the wall clock was set. */
export interface ClockWatch {
  /**
   * Looks now. Who does something by the wall clock that holds until another time of it looks before: a clock that is set, and
   * set back before anybody else looks, would leave that waiting.
   */
  look(): void;
  end(): void;
}

/**
 * Calls back when the wall clock was set, forwards or backwards: it then goes apart from the clock that only counts.
 * A host that slept is one whose clock was set forwards.
 */
export function watchClock(onStep: (milliseconds: number) => void): ClockWatch {
  const apart = (): number => Date.now() - performance.now();
  let before = apart();
  const look = (): void => {
    const step = apart() - before;
    if (Math.abs(step) < STEP_MS) return;
    before += step;
    onStep(Math.round(step));
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return { look, end: () => clearInterval(timer) };
}
