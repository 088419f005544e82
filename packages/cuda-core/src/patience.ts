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

/** Ends when the promise does, or after some time without it. */
export async function waitAtMost(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}
