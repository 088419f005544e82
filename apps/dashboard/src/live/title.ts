import { useEffect } from 'preact/hooks';

/** Names the screen where browsers do: in tabs, history and bookmarks. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Berth`;
  }, [title]);
}
