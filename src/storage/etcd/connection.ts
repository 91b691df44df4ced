import { setTimeout as wait } from "node:timers/promises";
import { type Client, connectivityState, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { UnavailableError } from "../../kernel/errors.ts";
import type { Random } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import { systemClock } from "../../kernel/system.ts";
import { areSameFiles, type Endpoint, type EtcdSsl, openChannel, readTlsFiles, type TlsFiles } from "./endpoint.ts";
import type { Method, Methods } from "./messages.ts";

/** Milliseconds one operation may take, attempts and all. compat(dex): storage/etcd/etcd.go. */
const patience = 5_000;
/** Milliseconds a connection may take. compat(dex): storage/etcd/config.go. */
const dialPatience = 2_000;
/** Milliseconds until a read is asked of another member. */
const readPatience = 2_000;

export interface ConnectionConfig {
  readonly endpoints: readonly Endpoint[];
  readonly ssl: EtcdSsl;
  readonly username: string;
  readonly password: Secret;
}

/** "read" may be sent again after any failure; "write" only where it is certain that etcd did nothing. */
export type Intent = "read" | "write";

/** The cluster: one channel per member, of which one is in use until it fails. */
export class Connection {
  readonly #config: ConnectionConfig;
  readonly #methods: Methods;
  readonly #random: Random;
  #files: TlsFiles;
  #channels: readonly Client[];
  #current = 0;
  #connecting: Promise<void> | undefined;
  #token: Metadata | undefined;
  #renewing: Promise<void> | undefined;
  #isClosed = false;

  private constructor(config: ConnectionConfig, methods: Methods, files: TlsFiles, random: Random) {
    this.#config = config;
    this.#methods = methods;
    this.#random = random;
    this.#files = files;
    this.#channels = config.endpoints.map((endpoint) => openChannel(endpoint, config.ssl, files));
  }

  /** @throws {Error} A file cannot be read, or the server does not know us. @throws {UnavailableError} No member answers. */
  static async open(config: ConnectionConfig, methods: Methods, random: Random): Promise<Connection> {
    const connection = new Connection(config, methods, await readTlsFiles(config.ssl), random);
    try {
      await connection.#ready();
      await connection.#renew(undefined);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** @throws {UnavailableError} No member answers in time, or whether it did as asked is unknown. */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    intent: Intent,
    signal?: AbortSignal,
  ): Promise<Response> {
    const end = systemClock.now() + patience;
    for (let attempt = 1; ; attempt++) {
      const channel = await this.#ready();
      const token = this.#token;
      const deadline = intent === "read" ? Math.min(end, systemClock.now() + readPatience) : end;
      try {
        return await send(channel, method, request, token ?? new Metadata(), deadline, signal);
      } catch (error) {
        const fault = serviceErrorOf(error);
        if (fault === undefined || signal?.aborted === true) throw error;
        if (isLost(fault)) this.#leave(channel);
        const isLate = systemClock.now() >= end || attempt >= 4;
        if (isLate || !(await this.#mayRepeat(fault, intent, token, attempt))) throw told(fault);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const channel of this.#channels) channel.close();
  }

  async #mayRepeat(
    fault: ServiceError,
    intent: Intent,
    token: Metadata | undefined,
    attempt: number,
  ): Promise<boolean> {
    if (isTokenRefused(fault) && this.#config.username !== "") {
      await this.#renew(token);
      return true;
    }
    if (fault.code === status.RESOURCE_EXHAUSTED && fault.details.includes("too many requests")) {
      await wait(20 * attempt + ((this.#random.bytes(1)[0] ?? 0) % 50));
      return true;
    }
    return intent === "read" && isLost(fault);
  }

  /** A channel that is connected. */
  async #ready(): Promise<Client> {
    for (;;) {
      const found = this.#connected();
      if (found !== undefined) return found;
      this.#connecting ??= this.#connect().finally(() => {
        this.#connecting = undefined;
      });
      await this.#connecting;
    }
  }

  #connected(): Client | undefined {
    const count = this.#channels.length;
    for (let step = 0; step < count; step++) {
      const place = (this.#current + step) % count;
      const channel = this.#channels[place];
      if (channel?.getChannel().getConnectivityState(false) !== connectivityState.READY) continue;
      this.#current = place;
      return channel;
    }
    return undefined;
  }

  /** Waits for the first member that answers. Certificates may have been renewed since we last needed them. */
  async #connect(): Promise<void> {
    if (this.#isClosed) throw new UnavailableError("storage", "the connection to etcd is closed");
    await this.#rereadFiles();
    const deadline = systemClock.now() + dialPatience;
    try {
      await Promise.any(this.#channels.map((channel) => untilReady(channel, deadline)));
    } catch (error) {
      const reason = await this.#reason();
      if (reason === undefined) return;
      throw new UnavailableError("storage", `no etcd endpoint answers: ${reason}`, { cause: error });
    }
  }

  /** Why the first endpoint cannot be connected to, which a channel tells only to who calls. Undefined: now it can. */
  async #reason(): Promise<string | undefined> {
    const [channel] = this.#channels;
    if (channel === undefined) return "there is none";
    try {
      const request = { key: Buffer.from("dexts") };
      await send(channel, this.#methods.range, request, new Metadata(), systemClock.now() + dialPatience);
    } catch (error) {
      const state = channel.getChannel().getConnectivityState(false);
      return state === connectivityState.READY ? undefined : (serviceErrorOf(error)?.details ?? String(error));
    }
    return undefined;
  }

  async #rereadFiles(): Promise<void> {
    let files: TlsFiles;
    try {
      files = await readTlsFiles(this.#config.ssl);
    } catch (error) {
      throw new UnavailableError("storage", "a certificate file for etcd cannot be read", { cause: error });
    }
    if (areSameFiles(files, this.#files)) return;
    const channels = this.#config.endpoints.map((endpoint) => openChannel(endpoint, this.#config.ssl, files));
    for (const channel of this.#channels) channel.close();
    this.#channels = channels;
    this.#files = files;
  }

  #leave(channel: Client): void {
    if (this.#channels[this.#current] === channel) this.#current = (this.#current + 1) % this.#channels.length;
  }

  /** A new token in place of `old`; nothing if somebody else was faster. */
  async #renew(old: Metadata | undefined): Promise<void> {
    if (this.#config.username === "" || this.#token !== old) return;
    this.#renewing ??= this.#authenticate().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #authenticate(): Promise<void> {
    const request = { name: this.#config.username, password: this.#config.password.reveal() };
    const channel = await this.#ready();
    try {
      const end = systemClock.now() + patience;
      const { token } = await send(channel, this.#methods.authenticate, request, new Metadata(), end);
      this.#token = new Metadata();
      this.#token.set("token", token);
    } catch (error) {
      const fault = serviceErrorOf(error);
      if (fault === undefined) throw error;
      // compat(dex): user and password may stand in the file though the server asks for none.
      if (fault.details.includes("authentication is not enabled")) return;
      throw told(fault);
    }
  }
}

function send<Request, Response>(
  channel: Client,
  { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
  request: Request,
  metadata: Metadata,
  deadline: number,
  signal?: AbortSignal,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const cancel = (): void => call.cancel();
    const call = channel.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, response) => {
        signal?.removeEventListener("abort", cancel);
        if (error !== null) reject(signal?.aborted === true ? signal.reason : error);
        else if (response === undefined) reject(new UnavailableError("storage", "etcd answered nothing"));
        else resolve(response);
      },
    );
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

/** Resolves when the channel is connected; rejects when an attempt has just failed, or at `deadline`. */
async function untilReady(client: Client, deadline: number): Promise<void> {
  const channel = client.getChannel();
  for (let state = channel.getConnectivityState(true); state !== connectivityState.READY; ) {
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
      throw new Error(`${channel.getTarget()} cannot be connected to`);
    }
    const seen = state;
    await new Promise<void>((resolve, reject) => {
      channel.watchConnectivityState(seen, deadline, (error) => (error ? reject(error) : resolve()));
    });
    state = channel.getConnectivityState(true);
  }
}

function serviceErrorOf(error: unknown): ServiceError | undefined {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error
    ? (error as ServiceError)
    : undefined;
}

const isLost = ({ code }: ServiceError): boolean =>
  code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.CANCELLED;

/** Refused before anything was done: the token has run out, or users have changed since it was made. */
const isTokenRefused = ({ code, details }: ServiceError): boolean =>
  code === status.UNAUTHENTICATED ||
  ["invalid auth token", "revision of auth store is old", "user name is empty"].some((text) => details.includes(text));

/** Because of what was asked, or by whom: etcd did nothing, and will do nothing the next time. */
export function isRefusal(error: unknown): boolean {
  const fault = error instanceof Error ? serviceErrorOf(error.cause) : undefined;
  return fault !== undefined && [status.INVALID_ARGUMENT, status.PERMISSION_DENIED].includes(fault.code);
}

/** etcd's words hold no values of ours. Its `InvalidArgument` is about the request; all else is about the server. */
const told = (fault: ServiceError): Error =>
  fault.code === status.INVALID_ARGUMENT
    ? new Error(`etcd refuses: ${fault.details}`, { cause: fault })
    : new UnavailableError("storage", `etcd: ${fault.details}`, { cause: fault });
