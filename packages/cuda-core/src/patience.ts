/**
 * The same promise, which keeps the process alive for some time: a program that waits for a driver should get to see its
 * answer, and one whose driver hangs should end.
 */
export async function keepAliveFor<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const hold = setTimeout(() => {}, milliseconds);
  try {
    return await promise;
  } finally {
    clearTimeout(hold);
  }
}

/** Whether a promise is kept or broken within some time. It keeps no process alive. */
export async function settlesWithin(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
    timer.unref();
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends when the promise does, or after some time without it. */
export async function waitAtMost(milliseconds: number, promise: Promise<void>): Promise<void> {
  const settled = settlesWithin(milliseconds, promise);
  if (await keepAliveFor(milliseconds, settled)) await promise;
}
