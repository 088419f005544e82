import type { ChainableCommander } from 'ioredis';

/**
 * What Redis replies to the commands of a pipeline or transaction, in their order.
 * @throws the first error among the replies: a connection that broke halfway is an outage, not an empty answer
 */
export async function repliesTo<Reply>(commands: ChainableCommander): Promise<Reply[]> {
  return ((await commands.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}
