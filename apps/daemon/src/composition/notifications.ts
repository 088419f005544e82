import { Addresses } from '../notifications/addresses.js';
import { Deliveries } from '../notifications/deliveries.js';
import { Notifier } from '../notifications/notifier.js';
import type { Ground } from './ground.js';

/** Sends webhooks of what happens. @returns which addresses may be told */
export async function startNotifications({
  config,
  ledger,
  store,
  endings,
  log,
}: Ground): Promise<Addresses> {
  const { allow, firstRetry, webhooks } = config.notifications;
  const addresses = new Addresses(allow);
  const notifier = new Notifier({
    ledger,
    redis: store.connect('notifications'),
    deliveries: new Deliveries(store.redis, firstRetry * 1000, log),
    addresses,
    webhooks,
    log,
  });
  await notifier.start();
  endings.add(() => notifier.close());
  return addresses;
}
