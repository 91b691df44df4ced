/**
 * The composition root: opens every room, wires them by hand, listens, and drains. Read top to bottom, it is
 * the list of what a running server is made of.
 */
import { fileURLToPath } from "node:url";
import type { AdminServer, AdminServerOptions } from "../admin/admin-server.ts";
import type { AdminDeps } from "../admin/contract.ts";
import type { Config } from "../config/config.ts";
import type { Provider } from "../endpoint/provider.ts";
import { routesOf } from "../endpoint/routes.ts";
import { type HttpServer, type HttpSettings, startHttp } from "../http/http-server.ts";
import { noObserver } from "../kernel/ports.ts";
import { allOrNone, noChange, type Prepared } from "../kernel/prepared.ts";
import { errorPage } from "../page/error-page.ts";
import type { TelemetryServer } from "../telemetry/telemetry-server.ts";
import { changeable } from "./changeable.ts";
import { collectGarbage } from "./garbage.ts";
import { openRoomsOrWait } from "./late-rooms.ts";
import type { Rooms } from "./open-rooms.ts";
import { openTelemetry, type Telemetry } from "./open-telemetry.ts";
import { pageContextOf } from "./page-context.ts";
import type { RoomDeps, ServerDeps } from "./server-deps.ts";
import { tracedCalls, tracedRoutes } from "./traced.ts";

export interface RunningServer {
  /** By listener name, as really bound: "http" → "127.0.0.1:5556". */
  readonly addresses: Readonly<Record<string, string>>;
  /**
   * Reads certificates and static files anew, opens what another configuration has new, and gets ready to go on with it;
   * storage, signer and listeners stay open. @throws {Error} A part of it cannot be used: nothing has changed.
   */
  prepare(config: Config): Promise<PreparedServer>;
  /**
   * The same, and goes on with it from one request to the next, with every thread that serves beside, or with none.
   * `read` is asked for the configuration that `content` holds. Resolves to the sections that differ and count only after
   * a restart. @throws {Error} Nothing has changed.
   */
  change(read: () => Promise<Config>, content: Uint8Array): Promise<readonly string[]>;
  /** Resolves once everything is drained and closed. */
  readonly closed: Promise<void>;
}

export interface PreparedServer extends Prepared {
  /** What differs and counts only after a restart, by key path. */
  readonly ignored: readonly string[];
}

/** @throws {Error} Storage, a certificate or a listener's address cannot be opened: nothing is left running. */
export async function startServer(config: Config, given: ServerDeps): Promise<RunningServer> {
  const { clock, random, logger, signal, crew, isBeside = false, workers = 1 } = given;
  const telemetry = await openTelemetry(config, given);
  const deps: RoomDeps = { ...given, observer: telemetry.observer };
  const late = await openRoomsOrWait(config, deps);
  let isDraining = false;
  const opened: { close(): Promise<void> }[] = [late];
  let http: HttpServer;
  let admin: AdminServer | undefined;
  let watching: TelemetryServer | undefined;
  try {
    http = await startHttp({
      ...settingsOf(config, late.provider, telemetry),
      listeners: listenersOf(config),
      sharing: isBeside ? "beside" : workers > 1 ? "first" : "alone",
      clock,
      random,
      logger,
      ...(telemetry.answered === undefined ? {} : { observe: telemetry.answered }),
    });
    opened.push(http);
    const { certificateEnd } = http;
    const trace = telemetry.beginTrace && tracedCalls(telemetry.beginTrace, random);
    admin = await startAdmin(config, () => late.current().admin(), trace, deps);
    if (admin !== undefined) opened.push(admin);
    const certificateEnds = () => ({ https: certificateEnd(), grpc: admin?.certificateEnd() });
    watching = await telemetry.listen({ rooms: late.rooms, certificateEnds, isDraining: () => isDraining });
    if (watching !== undefined) opened.push(watching);
    const { observer, answered } = telemetry;
    const listener = { observer, answered, isAnybody: observer !== noObserver || answered !== undefined };
    await crew?.start({ addresses: http.addresses, listener });
  } catch (error) {
    for (const each of opened.toReversed()) await each.close();
    throw error;
  }
  const addresses = {
    ...http.addresses,
    ...(watching === undefined ? {} : { telemetry: watching.address }),
    ...(admin === undefined ? {} : { grpc: admin.address }),
  };
  for (const [name, address] of Object.entries(addresses)) logger.info("listening on", { server: name, address });
  const background = new AbortController();
  const work = late.opened.then((rooms) => rooms && runBehind(rooms, deps, background.signal));
  const prepare = async (next: Config): Promise<PreparedServer> => {
    const { effective, ignored } = changeable(config, next);
    const rooms = await late.prepare(effective);
    try {
      const settings = settingsOf(effective, rooms.provider, telemetry);
      const doors = await allOrNone([http.prepare(settings), admin?.prepare() ?? Promise.resolve(noChange)]);
      const parts = [rooms, ...doors];
      return {
        ignored,
        commit: () => parts.forEach((part) => void part.commit()),
        abandon: () => parts.forEach((part) => void part.abandon()),
      };
    } catch (error) {
      rooms.abandon();
      throw error;
    }
  };
  return {
    addresses,
    prepare,
    async change(read, content) {
      try {
        const next = await read();
        const [own, others] = await allOrNone([
          prepare(next),
          crew?.prepare(content) ?? Promise.resolve({ ...noChange, commit: async () => undefined }),
        ]);
        own.commit();
        await others.commit();
        telemetry.observer.reloaded(true);
        return own.ignored;
      } catch (error) {
        telemetry.observer.reloaded(false);
        throw error;
      }
    },
    closed: drain(),
  };

  /** Probes hear of it first, then nobody new gets in; the work behind, storage, and who watches it all last. */
  async function drain(): Promise<void> {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    isDraining = true;
    logger.info("shutting down");
    const crewIsDone = crew?.close();
    http.sayGoodbye();
    if (config.web.shutdownDelay > 0) await clock.sleep(config.web.shutdownDelay, new AbortController().signal);
    await Promise.all([http.close(), admin?.close(), crewIsDone]);
    background.abort();
    await work;
    await late.close();
    await telemetry.close();
    await watching?.close();
  }
}

/** What the listeners of people and clients serve. */
const settingsOf = (config: Config, provider: () => Provider, { beginTrace }: Telemetry): HttpSettings => ({
  routes: tracedRoutes(
    routesOf(
      {
        issuerPath: config.issuerPath,
        hasSessions: config.sessions !== undefined,
        hasPasswords: config.enablePasswordDB,
      },
      provider,
    ),
    beginTrace,
  ),
  issuerPath: config.issuerPath,
  headers: config.web.headers,
  cors: { allowedOrigins: config.web.allowedOrigins, allowedHeaders: config.web.allowedHeaders },
  clientRemoteIp: config.web.clientRemoteIP,
  staticFiles: staticFilesOf(config),
  onError: (page) => errorPage(pageContextOf(config, page), page).toString(),
});

/** The gRPC API, where the configuration has an address for it. */
async function startAdmin(
  { grpc }: Config,
  current: () => AdminDeps,
  trace: AdminServerOptions["trace"],
  { clock, logger, observer }: RoomDeps,
) {
  const { addr, tlsCert: certFile, tlsKey: keyFile, tlsClientCA: clientCaFile } = grpc;
  if (addr === undefined) return undefined;
  const { startAdminServer } = await import("../admin/admin-server.ts");
  const tls =
    certFile === undefined || keyFile === undefined
      ? undefined
      : {
          certFile,
          keyFile,
          ...(clientCaFile === undefined ? {} : { clientCaFile }),
          minVersion: grpc.tlsMinVersion,
          ...(grpc.tlsMaxVersion === undefined ? {} : { maxVersion: grpc.tlsMaxVersion }),
        };
  return startAdminServer({
    address: addr,
    ...(tls === undefined ? {} : { tls }),
    hasReflection: grpc.reflection,
    current,
    observer,
    trace,
    clock,
    logger,
  });
}

/** What goes on without anybody asking. */
async function runBehind(
  rooms: Rooms,
  { clock, logger, observer, isBeside = false }: RoomDeps,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    rooms.signer.run(signal),
    rooms.courier.run(signal),
    rooms.mails?.run(signal),
    // One thread of a process is enough for it.
    isBeside ? undefined : collectGarbage(rooms.storage, clock, logger, observer, signal),
  ]);
}

function listenersOf({ web }: Config): Parameters<typeof startHttp>[0]["listeners"] {
  const https =
    web.https === undefined || web.tlsCert === undefined || web.tlsKey === undefined
      ? undefined
      : {
          address: web.https,
          certFile: web.tlsCert,
          keyFile: web.tlsKey,
          minVersion: web.tlsMinVersion,
          ...(web.tlsMaxVersion === undefined ? {} : { maxVersion: web.tlsMaxVersion }),
        };
  return { ...(web.http === undefined ? {} : { http: web.http }), ...(https === undefined ? {} : { https }) };
}

/** Ours, or the operator's own folder with the same shape. */
function staticFilesOf({ frontend }: Config): Parameters<typeof startHttp>[0]["staticFiles"] {
  const folder = frontend.dir ?? fileURLToPath(new URL("../page/assets", import.meta.url));
  return [
    { prefix: "/static", dir: `${folder}/static` },
    { prefix: "/theme", dir: `${folder}/themes/${frontend.theme}` },
  ];
}
