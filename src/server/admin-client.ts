import { Client, type ClientOptions, credentials, type ServiceDefinition } from "@grpc/grpc-js";
import type { AdminMethods } from "../admin/admin-messages.ts";
import type { DexMethods } from "../admin/api-messages.ts";
import { loadServices } from "../admin/services.ts";

/** How a server is reached. All of it PEM. */
export interface AdminTarget {
  /** "host:port". */
  readonly address: string;
  /** Absent: in clear. */
  readonly tls?: {
    /** Whose server certificates count; absent: those that the machine trusts. */
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    /** The name on the server's certificate, where it is not that of the address. */
    readonly serverName?: string;
  };
  /** Milliseconds that a call may take. */
  readonly timeout: number;
}

/** Methods as a caller sees them: of a request only what is to be said. */
export type Callers<M> = {
  readonly [Name in keyof M]: M[Name] extends readonly [infer Request, infer Response]
    ? (request?: Asked<Request>) => Promise<Response>
    : never;
};

/** A message of which every field may be left out. */
export type Asked<T> = T extends Buffer
  ? Uint8Array
  : T extends readonly (infer Item)[]
    ? readonly Asked<Item>[]
    : T extends object
      ? { readonly [Name in keyof T]?: Asked<T[Name]> | undefined }
      : T;

export interface AdminClient {
  readonly dex: Callers<DexMethods>;
  readonly admin: Callers<AdminMethods>;
  close(): void;
}

/** Connects with the first call. A call that fails rejects with the library's ServiceError. */
export function openAdminClient({ address, tls, timeout }: AdminTarget): AdminClient {
  const options: ClientOptions =
    tls?.serverName === undefined
      ? {}
      : { "grpc.ssl_target_name_override": tls.serverName, "grpc.default_authority": tls.serverName };
  const channel =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
  const client = new Client(address, channel, options);
  const { dex, admin } = loadServices();
  return {
    dex: callersOf<DexMethods>(client, dex, timeout),
    admin: callersOf<AdminMethods>(client, admin, timeout),
    close: () => client.close(),
  };
}

function callersOf<M>(client: Client, service: ServiceDefinition, timeout: number): Callers<M> {
  const callers = Object.entries(service).map(([name, { path, requestSerialize, responseDeserialize }]) => [
    name,
    (request: object = {}): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const options = { deadline: performance.timeOrigin + performance.now() + timeout };
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, (error, response) =>
          error === null ? resolve(response) : reject(error),
        );
      }),
  ]);
  // One entry for each method of the file that the types were made from.
  return Object.fromEntries(callers) as Callers<M>;
}
