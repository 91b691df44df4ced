import { UnavailableError } from "../../kernel/errors.ts";
import type { KindName } from "../records.ts";
import { isObject, type JsonObject, member, textMember } from "../shared/dex-json.ts";
import type { Answer, KubernetesApi } from "./api.ts";
import { apiVersion } from "./objects.ts";
import { resources } from "./resources.ts";

/** One page of a list. */
export interface Page {
  readonly items: readonly JsonObject[];
  /** Where the next begins; empty: there is none. */
  readonly next: string;
}

export interface PageQuery {
  readonly limit: number;
  readonly labelSelector?: string;
}

/** The objects of one kind in our namespace, one HTTP request each. */
export class ResourceClient {
  readonly #api: KubernetesApi;
  readonly #path: string;
  readonly #plural: string;

  constructor(api: KubernetesApi, kind: KindName) {
    this.#api = api;
    this.#plural = resources[kind].plural;
    this.#path = `/apis/${apiVersion}/namespaces/${encodeURIComponent(api.namespace)}/${this.#plural}`;
  }

  get namespace(): string {
    return this.#api.namespace;
  }

  async get(name: string, signal?: AbortSignal): Promise<JsonObject | undefined> {
    const path = `${this.#path}/${name}`;
    const answer = await this.#api.call({ verb: "GET", path, ...(signal === undefined ? {} : { signal }) });
    return this.#isAbsent(answer) ? undefined : this.#objectOf(answer);
  }

  /** Undefined: the name is taken. */
  async create(object: JsonObject): Promise<JsonObject | undefined> {
    const answer = await this.#api.call({ verb: "POST", path: this.#path, body: object });
    return answer.status === 409 ? undefined : this.#objectOf(answer);
  }

  /** Undefined: it has changed since it was read, or is gone. */
  async replace(name: string, object: JsonObject): Promise<JsonObject | undefined> {
    const answer = await this.#api.call({ verb: "PUT", path: `${this.#path}/${name}`, body: object });
    return answer.status === 409 || this.#isAbsent(answer) ? undefined : this.#objectOf(answer);
  }

  /** Whether it was there, and as `preconditions` say. */
  async remove(name: string, preconditions?: JsonObject): Promise<boolean> {
    const answer = await this.#api.call({
      verb: "DELETE",
      path: `${this.#path}/${name}`,
      ...(preconditions === undefined ? {} : { body: { kind: "DeleteOptions", apiVersion: "v1", preconditions } }),
    });
    if (answer.status === 409 || this.#isAbsent(answer)) return false;
    this.#objectOf(answer);
    return true;
  }

  /** "expired": the server has forgotten the list that `from` goes on with. */
  async page({ limit, labelSelector }: PageQuery, from: string): Promise<Page | "expired"> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (labelSelector !== undefined) query.set("labelSelector", labelSelector);
    if (from !== "") query.set("continue", from);
    const answer = await this.#api.call({ verb: "GET", path: `${this.#path}?${query}` });
    if (answer.status === 410) return "expired";
    const list = this.#objectOf(answer);
    const [items, metadata] = [member(list, "items"), member(list, "metadata")];
    return {
      items: Array.isArray(items) ? items.filter(isObject) : [],
      next: isObject(metadata) ? textMember(metadata, "continue") : "",
    };
  }

  /** Whether the server knows the resource at all. */
  async isServed(): Promise<boolean> {
    const answer = await this.#api.call({ verb: "GET", path: `${this.#path}?limit=1` });
    return answer.status === 200;
  }

  /** The object is not there. That the resource is not there is another matter: then nothing may be taken for absent. */
  #isAbsent({ status, body }: Answer): boolean {
    return status === 404 && body !== undefined;
  }

  #objectOf({ status, body }: Answer): JsonObject {
    if (body !== undefined && status >= 200 && status < 300) return body;
    if (status === 404) {
      const what = body === undefined ? `does not serve ${this.#plural} (yet)` : "has no such namespace";
      throw new UnavailableError("storage", `the Kubernetes API ${what}`);
    }
    // Its words may quote what was sent; only the reason is ours to repeat.
    const reason = body === undefined ? "" : textMember(body, "reason");
    throw new Error(`the Kubernetes API answers ${status} ${reason} for ${this.#plural}`);
  }
}
