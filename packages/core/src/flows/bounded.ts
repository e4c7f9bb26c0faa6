/** The outcome of `work`, or a rejection after so many milliseconds: what never comes to an end holds up nobody. */
export async function bounded<T>(milliseconds: number, work: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${milliseconds} ms.`)), milliseconds).unref();
  });
  try {
    // Also what `work` throws before its first await is a rejection.
    return await Promise.race([(async () => await work())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
