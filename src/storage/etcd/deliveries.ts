import type { InPages, Page, PagedKind } from "../contract.ts";
import type { RecordKinds } from "../records.ts";
import { ExpiringCollection } from "./expiring.ts";

/** What waits to be delivered: in the order of its keys. */
export class Deliveries<K extends PagedKind>
  extends ExpiringCollection<K>
  implements InPages<RecordKinds[K]["record"]>
{
  async page(from: string, size: number): Promise<Page<RecordKinds[K]["record"]>> {
    const { found, next } = await this.read(from, size);
    return { records: found.map(({ record }) => record), next };
  }
}
