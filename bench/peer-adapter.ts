/**
 * Where the oidc-provider peer keeps its objects: one map, oldest out first, so that a long run neither grows
 * without end nor measures anything but the provider. The package's own store for development walks the list
 * of all tokens of a grant on every write, which would slow a rotating refresh token down with each use.
 */
interface Payload {
  readonly uid?: string;
  readonly grantId?: string;
  consumed?: number;
}

const maxEntries = 50_000;
const entries = new Map<string, Payload>();
const sessionIdByUid = new Map<string, string>();

function bound(map: Map<string, unknown>): void {
  if (map.size <= maxEntries) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

export class BoundedAdapter {
  readonly #model: string;

  constructor(model: string) {
    this.#model = model;
  }

  async upsert(id: string, payload: Payload): Promise<void> {
    entries.set(this.#key(id), payload);
    bound(entries);
    if (this.#model === "Session" && payload.uid !== undefined) {
      sessionIdByUid.set(payload.uid, id);
      bound(sessionIdByUid);
    }
  }

  async find(id: string): Promise<Payload | undefined> {
    const key = this.#key(id);
    const payload = entries.get(key);
    // What is in use stays: the grant and the session of a client that refreshes for minutes are old but needed.
    if (payload !== undefined && entries.delete(key)) entries.set(key, payload);
    return payload;
  }

  async findByUid(uid: string): Promise<Payload | undefined> {
    const id = sessionIdByUid.get(uid);
    return id === undefined ? undefined : this.find(id);
  }

  async consume(id: string): Promise<void> {
    const payload = entries.get(this.#key(id));
    if (payload !== undefined) payload.consumed = Math.floor((performance.timeOrigin + performance.now()) / 1000);
  }

  async destroy(id: string): Promise<void> {
    entries.delete(this.#key(id));
  }

  /** Only a replayed token gets here, and no workload replays one: looking at everything is good enough. */
  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, payload] of entries) if (payload.grantId === grantId) entries.delete(key);
  }

  #key(id: string): string {
    return `${this.#model}:${id}`;
  }
}
