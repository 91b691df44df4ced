import type { AdminMethods } from "./admin-messages.js";
import type { DexMethods } from "./api-messages.js";

export type { AdminMethods } from "./admin-messages.js";
export type * from "./api-messages.js";

/** How a server is reached. */
export interface AdminTarget {
  /** "host:port". */
  readonly address: string;
  /** Absent: in clear. All of it PEM. */
  readonly tls?: {
    /** Whose server certificates count; absent: those that the machine trusts. */
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    /** The name on the server's certificate, where it is not that of the address. */
    readonly serverName?: string;
  };
  /** Milliseconds that a call may take. Default 15 000. */
  readonly timeout?: number;
}

/** A message of which every field may be left out. */
export type Asked<T> = T extends Buffer
  ? Uint8Array
  : T extends readonly (infer Item)[]
    ? readonly Asked<Item>[]
    : T extends object
      ? { readonly [Name in keyof T]?: Asked<T[Name]> | undefined }
      : T;

/** Each method of the service, as a function. A call that fails rejects with grpc-js's ServiceError. */
export type Callers<M> = {
  readonly [Name in keyof M]: M[Name] extends readonly [infer Request, infer Response]
    ? (request?: Asked<Request>) => Promise<Response>
    : never;
};

export interface AdminClient {
  /** `api.Dex`, which Dex has as well. */
  readonly dex: Callers<DexMethods>;
  /** `dexts.Admin`, what goes beyond it. */
  readonly admin: Callers<AdminMethods>;
  close(): void;
}

/** Connects with the first call. */
export declare function openAdminClient(target: AdminTarget): AdminClient;
