/**
 * The directory behind one connector: its servers, and a few connections that stay bound as the service account.
 * A person's password is tried on a connection of its own that is closed at once: what a person may read is not what
 * the service may, so the two never share one.
 */
import { UnavailableError } from "../../kernel/errors.ts";
import { millis } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import { createHosts, type Hosts, type HostsDeps } from "./hosts.ts";
import { type Address, type BindAnswer, type ConnectionOptions, LdapConnection } from "./wire/connection.ts";
import { codes, LdapConnectionError, LdapResultError, LdapTimeoutError } from "./wire/errors.ts";
import { parseFilter } from "./wire/filter.ts";
import { passwordPolicyControl } from "./wire/message.ts";

export interface Directory {
  /**
   * Runs `work`, which only reads, on a connection of the service account; again on another server where one fails.
   * @throws {UnavailableError} No server answers.
   */
  ask<T>(work: (connection: LdapConnection) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** What the server says to this name and password. Asked once: a server may count. @throws {UnavailableError} */
  tryPassword(dn: string, password: Secret, signal: AbortSignal): Promise<BindAnswer>;
  /** @throws {UnavailableError} No server answers. */
  probe(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface DirectoryDeps extends Omit<HostsDeps, "probe"> {
  /** For messages: the connector's id. */
  readonly id: string;
}

export interface DirectoryOptions extends ConnectionOptions {
  readonly listHosts: () => Promise<readonly Address[]>;
  readonly bindDn: string;
  readonly bindPassword: Secret;
}

/** How many logins may search at the same time; the others wait for their turn. */
const maxConnections = 8;
const idleLifetime = millis(60_000);

export function createDirectory(options: DirectoryOptions, deps: DirectoryDeps): Directory {
  const closing = new AbortController();
  const idle = new Set<LdapConnection>();
  const waiting = new Set<() => void>();
  let busy = 0;
  const hosts: Hosts = createHosts(options.listHosts, {
    ...deps,
    probe: async (address, signal) => (await openBound(address, signal)).close(),
  });

  async function openBound(address: Address, signal: AbortSignal): Promise<LdapConnection> {
    const connection = await LdapConnection.open(address, options, signal);
    try {
      const { result } = await connection.bind(options.bindDn, options.bindPassword, signal);
      if (result.code === codes.success) return connection;
      throw new LdapResultError(result.code, result.diagnostic);
    } catch (cause) {
      connection.close();
      if (!(cause instanceof LdapResultError) || isAway(cause)) throw cause;
      const who = options.bindDn === "" ? "initial anonymous bind" : `initial bind for user "${options.bindDn}"`;
      throw new Error(`ldap: ${who} failed: ${cause.message}`, { cause });
    }
  }

  /** As nobody: a service account whose password is wrong must not be locked by our asking. RFC 4512 §5.1. */
  async function readRootEntry(address: Address, signal: AbortSignal): Promise<void> {
    const connection = await LdapConnection.open(address, options, signal);
    try {
      const filter = parseFilter("(objectClass=*)");
      await connection.search({ base: "", scope: "base", filter, attributes: ["1.1"], sizeLimit: 1 }, signal);
    } catch (error) {
      // A directory that says nothing to strangers is there.
      if (!(error instanceof LdapResultError) || isAway(error)) throw error;
    } finally {
      connection.close();
    }
  }

  /** A connection that nobody uses now. Those that the server has closed meanwhile are forgotten. */
  function takeIdle(): LdapConnection | undefined {
    for (const connection of idle) {
      idle.delete(connection);
      if (connection.isUsable) return connection;
    }
    return undefined;
  }

  function giveBack(connection: LdapConnection): void {
    if (closing.signal.aborted || !connection.isUsable) {
      connection.close();
      return;
    }
    idle.add(connection);
    const since = {};
    lastUse.set(connection, since);
    deps.clock.sleep(idleLifetime, closing.signal).then(
      () => {
        if (lastUse.get(connection) === since && idle.delete(connection)) connection.close();
      },
      // The directory was closed, and the connection with it.
      () => undefined,
    );
  }
  const lastUse = new WeakMap<LdapConnection, object>();

  /** Tries the servers in turn. Only a server that cannot be asked is left for the next one. */
  async function onAnyServer<T>(signal: AbortSignal, work: (address: Address) => Promise<T>): Promise<T> {
    let last: unknown;
    for (const address of await hosts.inOrder()) {
      try {
        return await work(address);
      } catch (error) {
        // Who asked has gone, which is no server's fault.
        signal.throwIfAborted();
        if (!(error instanceof LdapConnectionError) && !isAway(error)) throw error;
        hosts.failed(address);
        last = error;
      }
    }
    throw new UnavailableError(`connector ${deps.id}`, "no LDAP server answers", { cause: last });
  }

  async function onBound<T>(connection: LdapConnection, work: (connection: LdapConnection) => Promise<T>): Promise<T> {
    try {
      return await work(connection);
    } finally {
      giveBack(connection);
    }
  }

  return {
    async ask(work, signal) {
      await turn(signal);
      try {
        const kept = takeIdle();
        if (kept !== undefined) {
          try {
            return await onBound(kept, work);
          } catch (error) {
            signal.throwIfAborted();
            // It had been closed, or its server has died: a new one will tell.
            if (!(error instanceof LdapConnectionError)) throw error;
            if (error instanceof LdapTimeoutError) hosts.failed(kept.address);
          }
        }
        return await onAnyServer(signal, async (address) => onBound(await openBound(address, signal), work));
      } finally {
        busy -= 1;
        const [next] = waiting;
        next?.();
      }
    },
    async tryPassword(dn, password, signal) {
      const connection = await onAnyServer(signal, (address) => LdapConnection.open(address, options, signal));
      try {
        return await connection.bind(dn, password, signal, [passwordPolicyControl]);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof LdapConnectionError)) throw error;
        hosts.failed(connection.address);
        throw new UnavailableError(`connector ${deps.id}`, "the LDAP server does not answer", { cause: error });
      } finally {
        connection.close();
      }
    },
    async probe(signal) {
      // All at once: one that hangs must not make the others late.
      const over = new AbortController();
      const ending = AbortSignal.any([over.signal, signal]);
      try {
        await Promise.any((await hosts.inOrder()).map((address) => readRootEntry(address, ending)));
      } catch (error) {
        const [cause] = error instanceof AggregateError ? error.errors : [error];
        throw new UnavailableError(`connector ${deps.id}`, "no LDAP server answers", { cause });
      } finally {
        over.abort();
      }
    },
    async close() {
      closing.abort();
      hosts.close();
      for (const connection of idle) connection.close();
      idle.clear();
    },
  };

  /** Waits until fewer than {@link maxConnections} are in use, and takes a place. */
  async function turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (busy >= maxConnections) {
      await new Promise<void>((resolve, reject) => {
        const over = new AbortController();
        const leave = (): void => {
          waiting.delete(next);
          reject(signal.reason);
        };
        const next = (): void => {
          over.abort();
          waiting.delete(next);
          resolve();
        };
        signal.addEventListener("abort", leave, { once: true, signal: over.signal });
        waiting.add(next);
      });
    }
    busy += 1;
  }
}

/** It answers, and says that it cannot work now. */
const isAway = (error: unknown): boolean =>
  error instanceof LdapResultError && (error.code === codes.busy || error.code === codes.unavailable);
