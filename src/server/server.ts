/**
 * The composition root: opens every room, wires them by hand, listens, and drains. Read top to bottom, it is
 * the list of what a running server is made of.
 */
import { fileURLToPath } from "node:url";
import type { Config } from "../config/config.ts";
import { routesOf } from "../endpoint/routes.ts";
import { type HttpServer, startHttp } from "../http/http-server.ts";
import { errorPage } from "../page/error-page.ts";
import { collectGarbage } from "./garbage.ts";
import { openRoomsOrWait } from "./late-rooms.ts";
import type { Rooms } from "./open-rooms.ts";
import { pageContextOf } from "./page-context.ts";
import type { ServerDeps } from "./server-deps.ts";

export interface RunningServer {
  /** By listener name, as really bound: "http" → "127.0.0.1:5556". */
  readonly addresses: Readonly<Record<string, string>>;
  /** Rereads certificates now. */
  reload(): Promise<void>;
  /** Resolves once everything is drained and closed. */
  readonly closed: Promise<void>;
}

/** @throws {Error} Storage, a certificate or a listener's address cannot be opened: nothing is left running. */
export async function startServer(config: Config, deps: ServerDeps): Promise<RunningServer> {
  const { clock, random, logger, signal } = deps;
  const late = await openRoomsOrWait(config, deps);
  let http: HttpServer;
  try {
    http = await startHttp({
      routes: routesOf(
        { issuerPath: config.issuerPath, hasSessions: config.sessions !== undefined },
        () => late.current().provider,
      ),
      issuerPath: config.issuerPath,
      listeners: listenersOf(config),
      headers: config.web.headers,
      cors: { allowedOrigins: config.web.allowedOrigins, allowedHeaders: config.web.allowedHeaders },
      clientRemoteIp: config.web.clientRemoteIP,
      staticFiles: staticFilesOf(config),
      onError: (page) => errorPage(pageContextOf(config, page), page).toString(),
      clock,
      random,
      logger,
    });
  } catch (error) {
    await late.close();
    throw error;
  }
  for (const [name, address] of Object.entries(http.addresses)) logger.info("listening on", { server: name, address });
  const background = new AbortController();
  const work = late.opened.then((rooms) => rooms && runBehind(rooms, deps, background.signal));
  return { addresses: http.addresses, reload: () => http.reload(), closed: drain() };

  /** New requests first, then the work behind them, storage last. */
  async function drain(): Promise<void> {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    logger.info("shutting down");
    await http.close();
    background.abort();
    await work;
    await late.close();
  }
}

/** What goes on without anybody asking. */
async function runBehind(rooms: Rooms, { clock, logger }: ServerDeps, signal: AbortSignal): Promise<void> {
  await Promise.all([
    rooms.signer.run(signal),
    rooms.courier.run(signal),
    collectGarbage(rooms.storage, clock, logger, signal),
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
