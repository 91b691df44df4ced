/** Workloads that are a rate: the same operation over and over, measured in short windows, one system after the other. */
import { type Crew, type CrewResult, drive, type LoadResult, type Meters } from "../driver.ts";
import { median } from "../numbers.ts";
import { publishedKeys } from "../oidc/discover.ts";
import { verifySignature } from "../oidc/jwt.ts";
import { RelyingParty, type Tokens } from "../oidc/relying-party.ts";
import { VirtualClient } from "../oidc/virtual-client.ts";
import type { Options } from "../options.ts";
import { type ProcessUsage, usageOf } from "../process-usage.ts";
import type { LoginKind, Server, StartOptions, System } from "../system/contract.ts";
import { type Bench, failedRow, type Report, type Row, roll, type Workload } from "./contract.ts";

/** Makes the virtual clients of a workload. */
export interface Stage {
  readonly server: Server;
  readonly options: Options;
  /** Clients for persons `from` to `from + count - 1`. */
  clients(kind: LoginKind, count: number, from?: number): readonly VirtualClient[];
  /** Logs every client in once and checks the signatures of both tokens. */
  logInAll(clients: readonly VirtualClient[]): Promise<void>;
  /** Any client, for requests that need no login. */
  strangers(count: number): readonly VirtualClient[];
  /** Remembers what has to be closed. */
  own<T extends Closable>(it: T): T;
}

interface Closable {
  close(): void;
}

export interface RateWorkload {
  readonly name: string;
  readonly operation: string;
  /** Logins that a system must have to take part. */
  readonly needs: readonly LoginKind[];
  /** How servers are started for it, beside what all workloads need. */
  readonly start?: Pick<StartOptions, "hasGrpc">;
  /** Why a system takes no part, where it does not. */
  reasonToStayAway?(system: System): string | undefined;
  /** The shortest window that says anything: an operation must fit into it several times. */
  readonly leastMs?: number;
  crews(stage: Stage): Promise<readonly Crew[]>;
}

interface Contender {
  readonly system: System;
  readonly server: Server;
  readonly usage: ProcessUsage;
  readonly crews: readonly Crew[];
  readonly clients: readonly Closable[];
  readonly results: LoadResult[];
}

/** Turns `workload` into rounds: each system once per round, in alternating order, all others idle meanwhile. */
export function rateWorkload(workload: RateWorkload): Workload {
  return { name: workload.name, operation: workload.operation, run: (bench) => run(workload, bench) };
}

async function run(workload: RateWorkload, bench: Bench): Promise<Report> {
  const { able, absent } = roll(bench.systems, (system) => {
    const lacking = workload.needs.find((kind) => system.login(kind, 0) === undefined);
    return lacking === undefined ? workload.reasonToStayAway?.(system) : `has no ${lacking} login of its own`;
  });
  const ready: Contender[] = [];
  const rows: Row[] = [];
  try {
    for (const system of able) {
      try {
        ready.push(await prepare(workload, system, bench));
      } catch (error) {
        bench.say(`${workload.name}: ${system.name} failed before the measurement`);
        rows.push(failedRow(system.name, error));
      }
    }
    for (let round = 0; round < bench.options.rounds; round++) await playRound(workload, ready, round, bench);
    return {
      workload: workload.name,
      operation: workload.operation,
      rows: [...ready.flatMap(rowsOf), ...rows],
      absent,
    };
  } finally {
    for (const { clients, server } of ready) {
      for (const client of clients) client.close();
      await server.stop();
    }
  }
}

async function prepare(workload: RateWorkload, system: System, bench: Bench): Promise<Contender> {
  const server = await system.start({
    directory: bench.newDirectory(),
    willRefresh: workload.needs.includes("offline"),
    ...workload.start,
  });
  try {
    const { stage, clients } = stageFor(system, server, bench.options);
    return { system, server, usage: usageOf(server.pid), crews: await workload.crews(stage), clients, results: [] };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** What the server's processes have used, by /proc. */
export function metersOf({ pid, databasePid }: Server): Meters {
  const server = usageOf(pid);
  const database = databasePid === undefined ? undefined : usageOf(databasePid);
  return { server: () => server.cpuMs(), database: () => database?.cpuMs() ?? 0 };
}

/** The column of the database's processor time, where there is such a process. */
export const databaseShare = (
  { databasePid }: Server,
  { databaseCpuMs }: LoadResult,
  operations: number,
): Readonly<Record<string, number>> =>
  databasePid === undefined ? {} : { "database CPU ms/op": databaseCpuMs / operations };

/** A stage on which every client that is made is remembered, so that it can be closed. */
export function stageFor(
  system: System,
  server: Server,
  options: Options,
): { readonly stage: Stage; readonly clients: readonly Closable[] } {
  const made: Closable[] = [];
  const rp = new RelyingParty(server.target);
  const clients = (kind: LoginKind, count: number, from = 0): readonly VirtualClient[] => {
    const batch = Array.from(
      { length: count },
      (_, index) => new VirtualClient(rp, system.login(kind, from + index) ?? { parameters: {} }, options.deadlineMs),
    );
    made.push(...batch);
    return batch;
  };
  const own = <T extends Closable>(it: T): T => {
    made.push(it);
    return it;
  };
  const logInAll = async (batch: readonly VirtualClient[]): Promise<void> => {
    const keys = await publishedKeys(server.target);
    const check = ({ idToken, accessToken }: Tokens): void => {
      for (const jwt of [idToken, accessToken]) verifySignature(jwt, keys);
    };
    await Promise.all(batch.map(async (client) => check(await client.logIn())));
  };
  return {
    stage: { server, options, clients, logInAll, strangers: (count) => clients("instant", count), own },
    clients: made,
  };
}

async function playRound(
  { name, leastMs = 0 }: RateWorkload,
  ready: readonly Contender[],
  round: number,
  { options, say }: Bench,
): Promise<void> {
  // Whoever comes later in a round finds a warmer or busier machine: every other round runs backwards.
  const order = round % 2 === 0 ? ready : ready.toReversed();
  for (const contender of order) {
    if (contender.results.some(hasFailed)) continue;
    const warmUpMs = round === 0 ? options.warmUpMs * 2 : options.warmUpMs;
    const window = { warmUpMs, measureMs: Math.max(options.measureMs, leastMs) };
    const result = await drive(contender.crews, window, metersOf(contender.server));
    contender.results.push(result);
    const rates = Object.entries(result.crews).map(([crew, { perSecond }]) => `${perSecond.toFixed(0)} ${crew}/s`);
    say(
      `${name}: round ${round + 1}, ${contender.system.name}: ${rates.join(", ")}${hasFailed(result) ? " WITH FAILURES" : ""}`,
    );
  }
}

const hasFailed = (result: LoadResult): boolean => Object.values(result.crews).some(({ failures }) => failures > 0);

function rowsOf({ system, server, usage, crews, results }: Contender): readonly Row[] {
  const rssMiB = usage.rssMiB();
  return crews.map((crew) => {
    const measured = results.flatMap((result) => {
      const one = result.crews[crew.name];
      return one === undefined ? [] : [{ result, one }];
    });
    const middle = (read: (one: CrewResult) => number): number => median(measured.map(({ one }) => read(one)));
    // With two crews at once, nobody can say which of them the processor time went to.
    const perOperation = (ms: (result: LoadResult) => number): number =>
      crews.length > 1 ? Number.NaN : median(measured.map(({ result, one }) => ms(result) / one.operations));
    const driverCpuMs = perOperation((result) => result.driverCpuMs);
    return {
      system: system.name,
      ...(crews.length > 1 ? { part: crew.name } : {}),
      perSecond: middle(({ perSecond }) => perSecond),
      p50Ms: middle(({ p50 }) => p50),
      p99Ms: middle(({ p99 }) => p99),
      cpuMsPerOperation: perOperation((result) => result.serverCpuMs),
      rssMiB,
      failures: measured.reduce((sum, { one }) => sum + one.failures, 0),
      failed: measured.flatMap(({ one }) => one.failed).slice(0, 5),
      disturbance: Math.max(...results.map((result) => result.disturbance)),
      more: {
        ...(Number.isNaN(driverCpuMs) ? {} : { "generator CPU ms/op": driverCpuMs }),
        ...(server.databasePid === undefined || Number.isNaN(driverCpuMs)
          ? {}
          : { "database CPU ms/op": perOperation(({ databaseCpuMs }) => databaseCpuMs) }),
      },
      rounds: measured.map(({ one }) => one.perSecond),
    };
  });
}
