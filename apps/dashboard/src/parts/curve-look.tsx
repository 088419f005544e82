import { usePreference } from '../live/preference.js';
import { CheckBox } from './check-box.js';
import type { Along } from './curve-data.js';

/** How somebody likes curves to be drawn. */
export interface CurveLook {
  /** Of an exponential moving average: 0 for none, less than 1. */
  smoothing: number;
  isLog: boolean;
  along: Along;
}

const MOST_SMOOTHING = 0.99;
const ALONG: Record<Along, string> = { step: 'steps', elapsed: 'time it took', clock: 'time of day' };

/** The look of all curves, and the controls that change it. Kept in this browser. */
export function useCurveLook() {
  const [smoothing, setSmoothing] = usePreference<number>('curve-smoothing', 0);
  const [isLog, setLog] = usePreference<boolean>('curve-logarithmic', false);
  const [chosen, setAlong] = usePreference<string>('curve-along', 'step');
  const look: CurveLook = {
    smoothing: Math.min(Math.max(smoothing, 0), MOST_SMOOTHING),
    isLog,
    along: Object.hasOwn(ALONG, chosen) ? (chosen as Along) : 'step',
  };
  const controls = (
    <>
      <label>
        Smoothing{' '}
        <input
          type="range"
          min={0}
          max={MOST_SMOOTHING}
          step={0.01}
          value={look.smoothing}
          onInput={({ currentTarget }) => setSmoothing(Number(currentTarget.value))}
        />{' '}
        {look.smoothing.toFixed(2)}
      </label>
      <CheckBox name="Logarithmic" isChecked={isLog} onChange={setLog} />
      <label>
        Along{' '}
        <select value={look.along} onChange={({ currentTarget }) => setAlong(currentTarget.value)}>
          {Object.entries(ALONG).map(([along, name]) => (
            <option value={along} key={along}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </>
  );
  return { look, controls };
}
