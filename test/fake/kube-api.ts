/**
 * The Kubernetes API as a database of custom resources, as the real server (1.20) answers: definitions, objects with
 * versions and preconditions, lists by page and label, roles. No watch, no other group. It can misbehave on cue.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyOf, type LoopbackServer, loopbackServer } from "./loopback-server.ts";

type Json = Readonly<Record<string, unknown>>;

export interface KubeRule {
  /** Resources such as `passwords`, or `*`. */
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export interface Misbehaviour {
  /** Answers so instead of doing anything. */
  readonly status?: number;
  readonly retryAfter?: string;
  /** Breaks the connection, before or after doing what was asked. */
  readonly drop?: "before" | "after";
  /** Goes silent and keeps the connection, before the answer or in the middle of it. */
  readonly hang?: "before" | "within";
  /** Only for these requests. */
  readonly method?: string;
}

export interface FakeKube {
  readonly url: string;
  readonly requests: readonly { readonly method: string; readonly url: string }[];
  /** The next request that fits misbehaves. */
  next(misbehaviour: Misbehaviour): void;
  /** All lists under way are forgotten: the next page of each is 410 Gone. */
  forgetLists(): void;
  /** No list is ever gone on with. */
  forgetListsAlways(): void;
  /** Nothing is served any more. */
  forgetDefinitions(): void;
  /** A user of that token with only these rights; the token "admin" may do everything. */
  setUser(token: string, rules: readonly KubeRule[]): void;
  revoke(token: string): void;
  /** One request as the administrator. */
  call(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: Json }>;
  /** Refuses connections, and takes them again on the same port, with its data. */
  lose(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

interface StoredObject {
  readonly metadata: Json & { readonly name: string; readonly resourceVersion: string };
}

const group = "dex.coreos.com";
const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const objectsPath = /^\/apis\/dex\.coreos\.com\/v1\/namespaces\/([^/]+)\/([^/?]+)(?:\/([^/?]+))?$/;
const validName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

class Refusal extends Error {
  readonly status: Json;
  readonly code: number;

  constructor(code: number, reason: string, message: string, more: Json = {}) {
    super(message);
    this.code = code;
    this.status = { kind: "Status", apiVersion: "v1", metadata: more, status: "Failure", message, reason, code };
  }
}

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** The cluster's state: what etcd would hold. */
class FakeCluster {
  /** By plural: the kind, once it is served. */
  readonly definitions = new Map<string, { readonly kind: string; readonly object: Json; asked: number }>();
  readonly objects = new Map<string, Map<string, StoredObject>>();
  version = 100;
  /** Lists begun before this version are forgotten. */
  compacted = 0;

  define(body: Json): Json {
    const spec = isJson(body.spec) ? body.spec : {};
    const names = isJson(spec.names) ? spec.names : {};
    const [plural, kind] = [String(names.plural), String(names.kind)];
    const name = isJson(body.metadata) ? body.metadata.name : "";
    if (name !== `${plural}.${group}` || body.apiVersion !== "apiextensions.k8s.io/v1") {
      throw new Refusal(422, "Invalid", `CustomResourceDefinition "${name}" is invalid`);
    }
    if (this.definitions.has(plural)) {
      throw new Refusal(409, "AlreadyExists", `customresourcedefinitions "${name}" already exists`);
    }
    this.definitions.set(plural, { kind, object: body, asked: 0 });
    return body;
  }

  /** The kind of a resource; a new one is served a moment after it was defined. */
  kindOf(plural: string): string | undefined {
    const definition = this.definitions.get(plural);
    if (definition === undefined || definition.asked++ < 1) return undefined;
    return definition.kind;
  }

  of(namespace: string, plural: string): Map<string, StoredObject> {
    const key = `${namespace}/${plural}`;
    const found = this.objects.get(key) ?? new Map<string, StoredObject>();
    this.objects.set(key, found);
    return found;
  }

  create(namespace: string, plural: string, body: Json): StoredObject {
    const metadata = this.#checked(plural, namespace, body);
    const name = String(metadata.name);
    if (!validName.test(name) || name.length > 253) {
      throw new Refusal(422, "Invalid", `${plural} "${name}" is invalid: metadata.name: Invalid value`);
    }
    if (metadata.resourceVersion) {
      throw new Refusal(500, "", "resourceVersion should not be set on objects to be created");
    }
    const objects = this.of(namespace, plural);
    if (objects.has(name)) throw new Refusal(409, "AlreadyExists", `${plural}.${group} "${name}" already exists`);
    return this.#store(objects, body, {
      ...metadata,
      name,
      namespace,
      uid: `uid-${++this.version}`,
      generation: 1,
      creationTimestamp: new Date().toISOString().replace(/\.\d+/, ""),
    });
  }

  replace(namespace: string, plural: string, name: string, body: Json): StoredObject {
    const metadata = this.#checked(plural, namespace, body);
    const objects = this.of(namespace, plural);
    const stored = objects.get(name);
    if (metadata.name !== name) {
      throw new Refusal(
        400,
        "BadRequest",
        `the name of the object (${metadata.name}) does not match the name on the URL`,
      );
    }
    if (stored === undefined) throw notFound(plural, name);
    if (!metadata.resourceVersion) {
      throw new Refusal(
        422,
        "Invalid",
        `metadata.resourceVersion: Invalid value: 0x0: must be specified for an update`,
      );
    }
    const isStale = metadata.resourceVersion !== stored.metadata.resourceVersion;
    const isOther = metadata.uid !== undefined && metadata.uid !== stored.metadata.uid;
    if (isStale || isOther) throw conflict(plural, name);
    const same = { ...stored.metadata, ...metadata };
    // The real server writes nothing where nothing changes.
    if (JSON.stringify({ ...body, metadata: same }) === JSON.stringify({ ...stored, metadata: stored.metadata })) {
      return stored;
    }
    return this.#store(objects, body, { ...metadata, name, uid: stored.metadata.uid, namespace });
  }

  remove(namespace: string, plural: string, name: string, body: Json): Json {
    const objects = this.of(namespace, plural);
    const stored = objects.get(name);
    if (stored === undefined) throw notFound(plural, name);
    const { uid, resourceVersion } = isJson(body.preconditions) ? body.preconditions : {};
    const isOther =
      (uid !== undefined && uid !== stored.metadata.uid) ||
      (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion);
    if (isOther) throw conflict(plural, name);
    objects.delete(name);
    this.version++;
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name, group, kind: plural },
    };
  }

  list(namespace: string, plural: string, kind: string, query: URLSearchParams): Json {
    const token = query.get("continue") ?? "";
    const [begun = String(this.version), after = ""] =
      token === "" ? [] : Buffer.from(token, "base64url").toString().split(" ");
    if (token !== "" && Number(begun) < this.compacted) {
      throw new Refusal(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result.",
        {
          continue: Buffer.from(`${this.version} ${after}`).toString("base64url"),
        },
      );
    }
    const matches = selector(query.get("labelSelector") ?? "");
    const all = [...this.of(namespace, plural).values()]
      .filter(({ metadata }) => metadata.name > after)
      .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
    const limit = Number(query.get("limit") ?? 0) || all.length;
    // As etcd is read: a page ends after so many that match.
    const items = all.filter(({ metadata }) => matches(metadata.labels)).slice(0, limit);
    const last = items.at(-1)?.metadata.name ?? "";
    const isMore =
      items.length === limit && all.some(({ metadata }) => metadata.name > last && matches(metadata.labels));
    return {
      apiVersion: `${group}/v1`,
      kind: `${kind}List`,
      metadata: {
        resourceVersion: String(this.version),
        continue: isMore ? Buffer.from(`${begun} ${last}`).toString("base64url") : "",
      },
      items,
    };
  }

  #checked(plural: string, namespace: string, body: Json): Json {
    if (body.kind !== this.definitions.get(plural)?.kind || body.apiVersion !== `${group}/v1`) {
      throw new Refusal(400, "BadRequest", `${body.kind} in version "${body.apiVersion}" cannot be handled`);
    }
    const metadata = isJson(body.metadata) ? body.metadata : {};
    if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
      throw new Refusal(
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    }
    for (const [label, value] of Object.entries(isJson(metadata.labels) ? metadata.labels : {})) {
      if (!/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(String(value))) {
        throw new Refusal(422, "Invalid", `metadata.labels: Invalid value: "${value}" of ${label}`);
      }
    }
    return metadata;
  }

  #store(objects: Map<string, StoredObject>, body: Json, metadata: Json): StoredObject {
    const name = String(metadata.name);
    const object = { ...body, metadata: { ...metadata, name, resourceVersion: String(++this.version) } };
    objects.set(name, object);
    return object;
  }
}

const notFound = (plural: string, name: string): Refusal =>
  new Refusal(404, "NotFound", `${plural}.${group} "${name}" not found`);

const conflict = (plural: string, name: string): Refusal =>
  new Refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${plural}.${group} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );

function selector(text: string): (labels: unknown) => boolean {
  if (text === "") return () => true;
  const terms = text.split(",");
  return (labels) => {
    const own = isJson(labels) ? labels : {};
    return terms.every((term) => {
      if (term.startsWith("!")) return own[term.slice(1)] === undefined;
      const [name = "", value] = term.split("=");
      return value === undefined ? own[name] !== undefined : own[name] === value;
    });
  };
}

export async function startFakeKube(): Promise<FakeKube> {
  const cluster = new FakeCluster();
  const requests: { method: string; url: string }[] = [];
  const users = new Map<string, readonly KubeRule[]>([["admin", [{ resources: ["*"], verbs: ["*"] }]]]);
  let pending: Misbehaviour[] = [];

  const authorize = (request: IncomingMessage, verb: string, resource: string): void => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const rules = token === undefined ? undefined : users.get(token);
    if (rules === undefined) throw new Refusal(401, "Unauthorized", "Unauthorized");
    const isAllowed = rules.some(
      ({ resources, verbs }) =>
        (resources.includes("*") || resources.includes(resource)) && (verbs.includes("*") || verbs.includes(verb)),
    );
    if (isAllowed) return;
    const message = `${resource} is forbidden: User "${token}" cannot ${verb} resource "${resource}"`;
    throw new Refusal(403, "Forbidden", message);
  };

  const answer = async (request: IncomingMessage, url: URL): Promise<{ code: number; body: Json } | undefined> => {
    const { method = "" } = request;
    const text = await bodyOf(request);
    const parsed: unknown = text === "" ? {} : JSON.parse(text);
    const body = isJson(parsed) ? parsed : {};
    if (url.pathname === definitionsPath && method === "POST") {
      authorize(request, "create", "customresourcedefinitions");
      return { code: 201, body: cluster.define(body) };
    }
    const [, namespace = "", plural = "", name] = objectsPath.exec(url.pathname) ?? [];
    const verbs = { GET: name === undefined ? "list" : "get", POST: "create", PUT: "update", DELETE: "delete" };
    const verb = verbs[method as keyof typeof verbs];
    if (plural === "" || verb === undefined) return undefined;
    authorize(request, verb, plural);
    const kind = cluster.kindOf(plural);
    if (kind === undefined) return undefined;
    switch (verb) {
      case "list":
        return { code: 200, body: cluster.list(namespace, plural, kind, url.searchParams) };
      case "create":
        return { code: 201, body: { ...cluster.create(namespace, plural, body) } };
      case "update":
        return { code: 200, body: { ...cluster.replace(namespace, plural, name ?? "", body) } };
      case "delete":
        return { code: 200, body: cluster.remove(namespace, plural, name ?? "", body) };
      default: {
        const found = cluster.of(namespace, plural).get(name ?? "");
        if (found === undefined) throw notFound(plural, name ?? "");
        return { code: 200, body: { ...found } };
      }
    }
  };

  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "" } = request;
    requests.push({ method, url });
    const odd = pending.find((each) => each.method === undefined || each.method === method);
    pending = pending.filter((each) => each !== odd);
    if (odd?.drop === "before") return void request.socket.destroy();
    if (odd?.hang === "before") return;
    const say = (code: number, body: Json): void => {
      if (odd?.drop === "after") return void request.socket.destroy();
      response.writeHead(code, { "content-type": "application/json" });
      if (odd?.hang === "within") response.write('{"metadata":');
      else response.end(JSON.stringify(body));
    };
    if (odd?.status !== undefined) {
      if (odd.retryAfter !== undefined) response.setHeader("retry-after", odd.retryAfter);
      const { status } = new Refusal(odd.status, "", "as told");
      return say(odd.status, status);
    }
    try {
      const done = await answer(request, new URL(url, "http://kube"));
      if (done === undefined)
        return void response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
      say(done.code, done.body);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      say(error.code, error.status);
    }
  };

  let server: LoopbackServer = await loopbackServer((request, response) => void listener(request, response));
  const { url, port } = server;
  return {
    url,
    requests,
    next: (misbehaviour) => void pending.push(misbehaviour),
    forgetLists() {
      cluster.compacted = ++cluster.version;
    },
    forgetListsAlways() {
      cluster.compacted = Number.MAX_SAFE_INTEGER;
    },
    forgetDefinitions: () => cluster.definitions.clear(),
    setUser: (token, rules) => void users.set(token, rules),
    revoke: (token) => void users.delete(token),
    async call(method, path, body) {
      const answered = await fetch(url + path, {
        method,
        headers: { authorization: "Bearer admin", "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answered.text();
      return { status: answered.status, body: text.startsWith("{") ? JSON.parse(text) : {} };
    },
    lose: () => server.close(),
    async restore() {
      server = await loopbackServer((request, response) => void listener(request, response), undefined, port);
    },
    close: () => server.close(),
  };
}
