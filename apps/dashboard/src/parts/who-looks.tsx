import { useContext } from 'preact/hooks';
import { useWhyNot, Viewer } from '../live/me.js';

/** Whose page it is, and what that leaves out. */
export function WhoLooks() {
  const me = useContext(Viewer);
  const whyNot = useWhyNot();
  if (!me) return null;
  return (
    <span class="muted" title={whyNot('submit') ?? whyNot('administer') ?? undefined}>
      {me.name}, {me.role}
    </span>
  );
}
