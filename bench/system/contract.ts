/** A system under test: how it is started and how its people log in. The workloads know nothing else about it. */
import type { Target } from "../oidc/relying-party.ts";
import type { DatabaseName } from "./database.ts";

/** How somebody logs in here. */
export interface Login {
  /** Parameters of the authorization request beside client, state, nonce and PKCE. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Typed into the login form, where the flow shows one. */
  readonly credentials?: { readonly login: string; readonly password: string };
}

/** A running server. */
export interface Server {
  readonly pid: number;
  /** The process of its database, where that is a program of its own. */
  readonly databasePid?: number;
  readonly target: Target;
  /** "127.0.0.1:5557", where it was asked for. */
  readonly grpcAddress?: string;
  /** Its SQLite file, where it has one. */
  readonly databaseFile?: string;
  /** Milliseconds from spawn to the first 200 of discovery, and of /healthz where the system has it. */
  readonly readyAfterMs: { readonly discovery: number; readonly health?: number };
  /** The last lines it logged, for the report of a failure. */
  logTail(): string;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Where it keeps everything it writes. Starting twice in one directory is a restart. */
  readonly directory: string;
  /** The run will refresh tokens: some systems need another setting for it. */
  readonly willRefresh: boolean;
  /** The configuration's `signer`, where a workload brings its own keeper of keys. */
  readonly signer?: object;
  /** With the gRPC API, on {@link Server.grpcAddress}. */
  readonly hasGrpc?: boolean;
}

export type LoginKind = "instant" | "password" | "offline";

/** Where a system keeps what it remembers. */
export type Store = "sqlite" | "memory" | DatabaseName;

export interface System {
  readonly name: string;
  readonly family: "ours" | "dex" | "oidc-provider";
  readonly store: Store;
  readonly version: string;
  /** Why it cannot run here, when it cannot. */
  readonly missing?: string;
  /**
   * "instant": no password, no offline access. "password": the form and bcrypt cost 10. "offline": any way
   * that ends with a refresh token. Undefined: the system has no such login. `person` counts from 0.
   */
  login(kind: LoginKind, person: number): Login | undefined;
  /** Whether a redirect to this address begins a login, where no page does. */
  isLoginAddress(url: string): boolean;
  start(options: StartOptions): Promise<Server>;
}

/** People every system knows. A workload takes as many as it has clients: they never share a session. */
export const personCount = 64;
