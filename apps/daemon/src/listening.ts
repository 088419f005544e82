/** Loopback addresses: whoever gets there is on this host already. */
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/;

/** Where to listen, taken apart; null: it is no address. */
export function parseListen(listen: string): { host: string; port: number; isLoopback: boolean } | null {
  const [, host, port] = ADDRESS.exec(listen) ?? [];
  if (host === undefined || Number(port) > 65_535) return null;
  return { host, port: Number(port), isLoopback: LOOPBACK.test(host) };
}

/** Why an address can't be listened on as things are; null: it can. */
export function whyNotListen(
  listen: string,
  { tls, insecureListen }: { tls?: unknown; insecureListen: boolean },
): string | null {
  const address = parseListen(listen);
  if (!address || address.isLoopback || tls || insecureListen) return null;
  return (
    `${listen} is open to other hosts, who could read tokens on their way here: give certificates (tls: {cert, key}), ` +
    'or listen on 127.0.0.1 behind a proxy that has them, or say insecureListen: true where the network is trusted'
  );
}
