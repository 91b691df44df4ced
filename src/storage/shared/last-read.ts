/** Rows remembered at most. They hold secrets, and are meant for what follows a read at once. */
const capacity = 512;
/** Milliseconds: as long as a request may take between its read and its write. */
const maxAge = 5_000;

/**
 * The rows that were read a moment ago, so that the update that follows need not read them again, and the next read that
 * finds the same row need not decode it. An update gets each once. One that is old by then does no harm: the swap finds out.
 */
export class LastRead<Row extends { readonly record: unknown }> {
  readonly #rows = new Map<string, { readonly row: Row; readonly at: number }>();

  remember(key: string, row: Row): void {
    const now = performance.now();
    this.#rows.delete(key);
    this.#rows.set(key, { row, at: now });
    for (const [oldest, { at }] of this.#rows) {
      if (this.#rows.size <= capacity && now - at <= maxAge) break;
      this.#rows.delete(oldest);
    }
  }

  /** The row under `key`, to be compared with what is stored now. It stays where it is. */
  peek(key: string): Row | undefined {
    return this.#rows.get(key)?.row;
  }

  /**
   * The row under `key`, and what `change` makes of its record. Undefined where there is none, where nothing would be
   * written, and where `change` refuses: a record that may be old by now must not decide that, so it is read anew.
   */
  takeChanged(
    key: string,
    change: (current: Row["record"]) => Row["record"],
  ): { readonly found: Row; readonly next: Row["record"] } | undefined {
    const found = this.#take(key);
    if (found === undefined) return undefined;
    let next: Row["record"];
    try {
      next = change(found.record);
    } catch {
      // It is asked again with the stored one, and then its word counts.
      return undefined;
    }
    return next === found.record ? undefined : { found, next };
  }

  forget(key: string): void {
    this.#rows.delete(key);
  }

  #take(key: string): Row | undefined {
    const found = this.#rows.get(key);
    this.#rows.delete(key);
    return found === undefined || performance.now() - found.at > maxAge ? undefined : found.row;
  }
}
