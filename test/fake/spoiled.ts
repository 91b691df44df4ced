import type { IncomingMessage, ServerResponse } from "node:http";

/** How an answer goes wrong. Without `body` the status comes with an empty one. */
export interface Spoil {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds before the answer. */
  readonly delay?: number;
  /** Never answers. */
  readonly hang?: boolean;
  /** Ends the connection in the middle of the body. */
  readonly cut?: boolean;
}

/** What is to go wrong, by path. */
export interface Spoils {
  /** The next request for `path` goes wrong. */
  next(path: string, spoil: Spoil): void;
  /** Every request for `path` goes wrong, until `undefined`. */
  always(path: string, spoil: Spoil | undefined): void;
  /** Spoils the answer if it is its turn; false: answer as usual. `isProbe`: uses up nothing of what goes wrong next. */
  apply(path: string, response: ServerResponse, isProbe?: boolean): Promise<boolean>;
}

export function newSpoils(): Spoils {
  const once = new Map<string, Spoil[]>();
  const always = new Map<string, Spoil>();
  return {
    next: (path, spoil) => void once.set(path, [...(once.get(path) ?? []), spoil]),
    always: (path, spoil) => void (spoil === undefined ? always.delete(path) : always.set(path, spoil)),
    async apply(path, response, isProbe = false) {
      const spoil = (isProbe ? undefined : once.get(path)?.shift()) ?? always.get(path);
      if (spoil === undefined) return false;
      if (spoil.hang === true) return true;
      if (spoil.delay !== undefined) await new Promise((resolve) => setTimeout(resolve, spoil.delay));
      if (spoil.status === undefined && spoil.body === undefined && spoil.cut !== true) return false;
      const headers = { "content-type": "application/json", ...spoil.headers };
      if (spoil.cut === true) {
        response.writeHead(200, { ...headers, "content-length": "1000" });
        response.write('{"access_token":"');
        setTimeout(() => response.destroy(), 20);
        return true;
      }
      response.writeHead(spoil.status ?? 200, headers).end(spoil.body);
      return true;
    },
  };
}

/** One request as it arrived. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly form: URLSearchParams;
  /** The body as it is. */
  readonly body: string;
}
