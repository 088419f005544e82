import type { Me } from '@berth/contract';
import { judge, type Kind, whyForbidden } from '@berth/contract/permission';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { client } from './session.js';

/** Who looks; null: the daemon hasn't said it yet. */
export const Viewer = createContext<Me | null>(null);

export const askMe = (signal: AbortSignal): Promise<Me> => client.value.me({ signal });

/**
 * Why who looks may not do something, by the rules of the daemon, which has the last word; null: nothing speaks against it.
 * @param owner whose it is; null: nobody's
 */
export function useWhyNot(): (kind: Kind, owner?: string | null) => string | null {
  const me = useContext(Viewer);
  return (kind, owner = null) => {
    if (me === null) return null;
    // What is seen is not hidden.
    const verdict = judge(me.role, kind, owner === null ? null : owner === me.name, 'all');
    return verdict === 'allowed' ? null : whyForbidden(me, kind, owner);
  };
}
