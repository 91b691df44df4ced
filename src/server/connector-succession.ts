import type { ConnectorSlot } from "./connector-slot.ts";

/**
 * `next` in the place of `before`, which serves until `next` has opened for the first time: a change that cannot take
 * effect, because the upstream is away or the record is wrong, signs nobody out of anything. `retire` is handed
 * `before` then.
 */
export function succeed(
  before: ConnectorSlot,
  next: ConnectorSlot,
  retire: (slot: ConnectorSlot) => void,
): ConnectorSlot {
  let isDone = false;
  return {
    record: next.record,
    info: () => (isDone || next.info().unavailable === undefined ? next.info() : before.info()),
    glance() {
      next.glance();
      if (!isDone) before.glance();
    },
    async open() {
      try {
        const open = await next.open();
        if (!isDone) retire(before);
        isDone = true;
        return open;
      } catch (error) {
        if (isDone) throw error;
        return before.open().catch(() => {
          throw error;
        });
      }
    },
    incumbent() {
      if (isDone) return next;
      void next.close();
      return before;
    },
    retire() {
      next.retire();
      before.retire();
    },
    async close() {
      await Promise.all([next.close(), ...(isDone ? [] : [before.close()])]);
    },
  };
}
