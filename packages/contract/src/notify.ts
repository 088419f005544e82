import { z } from 'zod';

export const NotifyEventSchema = z
  .enum(['started', 'ended', 'succeeded', 'failed', 'cancelled', 'preempted', 'requeued', 'hanging'])
  .meta({
    id: 'NotifyEvent',
    description: '`ended`: succeeded, failed or cancelled; `hanging`: it seems to hang.',
  });
export type NotifyEvent = z.infer<typeof NotifyEventSchema>;

const isWebAddress = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** Somebody to be told of a job by HTTP. */
export const WebhookInputSchema = z
  .strictObject({
    url: z
      .string()
      .max(2000)
      .refine(isWebAddress, 'must be an address such as https://host/path')
      .meta({ examples: ['https://ci.example.org/hooks/berth'] }),
    events: z.array(NotifyEventSchema).min(1).max(NotifyEventSchema.options.length).default(['ended']),
    secret: z.string().min(16).max(256).optional().meta({
      description: 'Signs what is sent (see docs/notifications.md). Never shown again.',
    }),
  })
  .meta({
    id: 'WebhookInput',
    description: 'An address that is told of a job by POST, at least once, with retries.',
  });
export type Webhook = z.infer<typeof WebhookInputSchema>;

export const WebhookSchema = z
  .object({
    url: z.string().meta({ description: 'The host; the rest may be a secret and is not shown.' }),
    events: z.array(NotifyEventSchema),
    signed: z.boolean(),
  })
  .meta({ id: 'Webhook' });
export type ShownWebhook = z.infer<typeof WebhookSchema>;

/** What may be shown of a webhook. */
export function shownWebhook({ url, events, secret }: Webhook): ShownWebhook {
  const { origin, pathname, search } = new URL(url);
  return {
    url: pathname === '/' && search === '' ? origin : `${origin}/…`,
    events,
    signed: secret !== undefined,
  };
}
