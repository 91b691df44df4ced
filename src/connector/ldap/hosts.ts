import type { Resolver } from "node:dns/promises";
import { isIPv6 } from "node:net";
import type { Clock, Logger, Random } from "../../kernel/ports.ts";
import { millis } from "../../kernel/ports.ts";
import type { Address } from "./wire/connection.ts";

/** Which servers there are, and which of them work. */
export interface Hosts {
  /** Those that work first, each group in the order of preference. @throws {Error} The DNS names none. */
  inOrder(): Promise<readonly Address[]>;
  /** It failed: the others come first until it answers again, which is tried in the background. */
  failed(address: Address): void;
  close(): void;
}

export interface HostsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Resolves once the server answers. */
  probe(address: Address, signal: AbortSignal): Promise<void>;
}

const firstPause = 1_000;
const longestPause = 30_000;
const srvLifetime = 60_000;

/** `host`, `host:port`, `[v6]:port`, or a bare IPv6 address. */
export function parseHost(text: string, defaultPort: number): Address {
  if (isIPv6(text)) return { host: text, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === "" || port < 1 || port > 65_535) throw new Error(`ldap: ${JSON.stringify(text)} is no host`);
  return { host, port };
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`;

/** Keeps what was found out about the servers that `list` names. */
export function createHosts(list: () => Promise<readonly Address[]>, deps: HostsDeps): Hosts {
  const closing = new AbortController();
  const down = new Set<string>();

  async function watch(address: Address): Promise<void> {
    const name = nameOf(address);
    deps.logger.warn("LDAP server does not answer", { host: name });
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        await deps.clock.sleep(millis(pause), closing.signal);
        await deps.probe(address, closing.signal);
        deps.logger.info("LDAP server answers again", { host: name });
        down.delete(name);
        return;
      } catch (error) {
        if (closing.signal.aborted) return;
        deps.logger.debug("LDAP server still does not answer", { host: name, err: String(error) });
      }
    }
  }

  return {
    async inOrder() {
      const all = await list();
      return [...all].sort((a, b) => Number(down.has(nameOf(a))) - Number(down.has(nameOf(b))));
    },
    failed(address) {
      if (closing.signal.aborted || down.has(nameOf(address))) return;
      down.add(nameOf(address));
      void watch(address);
    },
    close: () => closing.abort(),
  };
}

/** The servers of an SRV record, asked for again every minute; while the DNS is away, those it named last. RFC 2782. */
export function srvHosts(
  name: string,
  resolver: Pick<Resolver, "resolveSrv">,
  { clock, random, logger }: Pick<HostsDeps, "clock" | "random" | "logger">,
): () => Promise<readonly Address[]> {
  let known: readonly Address[] = [];
  let askedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.now() - askedAt < srvLifetime) return known;
    try {
      const records = await resolver.resolveSrv(name);
      known = bySrvRules(records, random).map(({ name: host, port }) => ({ host, port }));
      askedAt = clock.now();
    } catch (error) {
      if (known.length === 0) throw new Error(`ldap: the DNS knows no ${name}`, { cause: error });
      logger.warn("the DNS does not answer for the LDAP servers", { name }, error);
      askedAt = clock.now();
    }
    return known;
  };
}

interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Lowest priority first; within one, drawn by weight. RFC 2782 "Usage rules". */
export function bySrvRules(records: readonly SrvRecord[], random: Random): readonly SrvRecord[] {
  const left = records.filter(({ name }) => name !== "" && name !== ".").sort((a, b) => a.priority - b.priority);
  const ordered: SrvRecord[] = [];
  while (left.length > 0) {
    const same = left.filter(({ priority }) => priority === left[0]?.priority).sort((a, b) => a.weight - b.weight);
    const total = same.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = Buffer.from(random.bytes(4)).readUInt32BE() % (total + 1);
    let sum = 0;
    const next = same.find(({ weight }) => {
      sum += weight;
      return drawn <= sum;
    });
    if (next === undefined) break;
    ordered.push(next);
    left.splice(left.indexOf(next), 1);
  }
  return ordered;
}
