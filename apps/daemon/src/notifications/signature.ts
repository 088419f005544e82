import { createHmac } from 'node:crypto';

/** The header `Berth-Signature`: when it was signed (s since the epoch), and HMAC-SHA256 of that, a dot and the body, in hex. */
export function signatureOf(secret: string, body: string, now: number): string {
  const time = Math.floor(now / 1000);
  const digest = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return `t=${time},v1=${digest}`;
}
