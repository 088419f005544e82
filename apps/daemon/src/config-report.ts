import { shownWebhook, type Webhook } from '@berth/contract';
import { Document, isScalar, type Scalar, type YAMLMap } from 'yaml';
import type { Settings } from './config-reading.js';

const HIDDEN = '(hidden)';
/** As long as a secret has to be. */
const HIDDEN_SECRET = '(a secret, hidden)';

/** The settings as a file of settings, with a comment that says where each came from. Secrets are hidden. */
export function describeSettings({ config, origins }: Settings): string {
  const document = new Document(JSON.parse(JSON.stringify(config, withoutSecrets)));
  for (const { key, value } of (document.contents as YAMLMap<Scalar<string>, unknown>).items) {
    const origin = origins.get(key.value) ?? 'default';
    if (isScalar(value)) value.comment = ` ${origin}`;
    else
      key.commentBefore = ` ${origin}${origin === 'default' ? '' : ', and defaults for what is not named there'}`;
  }
  return document.toString({ lineWidth: 0 }).trimEnd();
}

/** For `JSON.stringify`. */
function withoutSecrets(key: string, value: unknown): unknown {
  if (key === 'secret' && typeof value === 'string') return HIDDEN_SECRET;
  if (key === 'webhooks')
    return (value as Webhook[]).map((each) => ({ ...each, url: shownWebhook(each).url }));
  if (key === 'redisUrl' && typeof value === 'string')
    return value.replace(/(:\/\/[^/@]*:)[^@]*@/, `$1${HIDDEN}@`);
  return value;
}
