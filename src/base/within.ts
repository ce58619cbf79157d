// Waiting for something, but not for ever.

/** Whether `work` was done in time; undefined: however long it takes. @throws what it throws in that time */
export async function within(work: Promise<unknown>, ms: number | undefined): Promise<boolean> {
  if (ms === undefined) {
    await work;
    return true;
  }
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), Math.min(ms, 2 ** 31 - 1));
  work.then(() => resolve(true), reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
