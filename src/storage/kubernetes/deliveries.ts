import { UnavailableError } from "../../kernel/errors.ts";
import type { InPages, Page, PagedKind } from "../contract.ts";
import type { RecordKinds } from "../records.ts";
import { ExpiringCollection } from "./expiring.ts";
import { decode } from "./objects.ts";

/** What waits to be delivered. A server that has forgotten the list is asked again from its beginning. */
export class Deliveries<K extends PagedKind>
  extends ExpiringCollection<K>
  implements InPages<RecordKinds[K]["record"]>
{
  async page(from: string, size: number): Promise<Page<RecordKinds[K]["record"]>> {
    const page = await this.client.page({ limit: size }, from);
    if (page === "expired") {
      if (from === "") throw new UnavailableError("storage", "the Kubernetes API forgets what it was never asked");
      return this.page("", size);
    }
    return { records: page.items.map((object) => decode(this.kind, object).record), next: page.next };
  }
}
