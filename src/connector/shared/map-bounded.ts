/**
 * What `work` makes of each item, in the items' order, at most `limit` at once. The first failure is the whole's: nothing
 * new is begun after it.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const todo = items.entries();
  let hasFailed = false;
  async function worker(): Promise<void> {
    for (const [index, item] of todo) {
      try {
        results.set(index, await work(item));
      } catch (error) {
        hasFailed = true;
        throw error;
      }
      if (hasFailed) return;
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return [...results.entries()].sort(([left], [right]) => left - right).map(([, result]) => result);
}
