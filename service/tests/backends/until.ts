/**
 * Waits until `condition` answers with something truthy, and answers with that. Errors count as not yet.
 * @throws naming what was waited for and the last error, after `seconds`.
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  seconds = 15,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + seconds * 1000;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined>;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ${seconds} s: ${what}`, { cause: last });
}
