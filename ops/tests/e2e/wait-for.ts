/** Asks again until the answer is the wanted one. @throws Error with the last value after the bound */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T>,
  isWanted: (value: T) => boolean,
  seconds = 60,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await ask();
    if (isWanted(value)) return value;
    if (Date.now() > deadline) throw new Error(`${what}: still ${JSON.stringify(value)} after ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
