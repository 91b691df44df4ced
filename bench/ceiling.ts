import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { startHints } from "../src/cli/container/start-hints.ts";
import { type Crew, drive } from "./driver.ts";
import { Connection } from "./http/connection.ts";
import { RelyingParty, type Target } from "./oidc/relying-party.ts";
import type { Options } from "./options.ts";
import { usageOf } from "./process-usage.ts";
import { freePort, launch } from "./system/launch.ts";

/** What the generator can do at most against a server that does next to nothing, and what it costs both. */
export interface Ceiling {
  readonly perSecond: number;
  readonly driverCpuUsPerOperation: number;
  readonly serverCpuUsPerOperation: number;
  readonly failures: number;
}

/**
 * `get` is a bare request; `refresh` adds all checks of a token answer; `signed refresh` adds the two RS256 signatures of
 * one, in as many threads and with the same code of OpenSSL as our server: no server on Node does more.
 */
export async function measureCeiling(
  directory: string,
  options: Options,
): Promise<Readonly<Record<"get" | "refresh" | "signed refresh", Ceiling>>> {
  const port = await freePort();
  const script = fileURLToPath(new URL("ceiling-server.ts", import.meta.url));
  const server = await launch({
    command: process.execPath,
    arguments: [script, String(port)],
    environment: { ...startHints(), UV_THREADPOOL_SIZE: String(availableParallelism()) },
    directory,
    issuer: `http://127.0.0.1:${port}`,
  });
  const usage = usageOf(server.pid);
  const connections = Array.from(
    { length: options.clients },
    () => new Connection(server.target.endpoint, options.deadlineMs),
  );
  const refreshAt = (target: Target): ((connection: Connection) => Promise<void>) => {
    const rp = new RelyingParty(target);
    return async (connection) => void (await rp.refresh(connection, "token"));
  };
  const crew = (operation: (connection: Connection) => Promise<void>): Crew => ({
    name: "all",
    members: connections.map((connection) => () => operation(connection)),
  });
  const measure = async (operation: (connection: Connection) => Promise<void>): Promise<Ceiling> => {
    const window = { warmUpMs: options.warmUpMs * 2, measureMs: Math.min(options.measureMs, 3_000) };
    const { crews, driverCpuMs, serverCpuMs } = await drive([crew(operation)], window, {
      server: () => usage.cpuMs(),
      database: () => 0,
    });
    const { operations = 0, perSecond = 0, failures = 0 } = crews.all ?? {};
    return {
      perSecond,
      driverCpuUsPerOperation: (driverCpuMs * 1_000) / operations,
      serverCpuUsPerOperation: (serverCpuMs * 1_000) / operations,
      failures,
    };
  };
  try {
    const request = `GET ${server.target.discoveryPath} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    const get = await measure(async (connection) => {
      const { status } = await connection.send(request);
      if (status !== 200) throw new Error(`status ${status}`);
    });
    const refresh = await measure(refreshAt(server.target));
    const signedRefresh = await measure(refreshAt({ ...server.target, tokenPath: "/signed-token" }));
    return { get, refresh, "signed refresh": signedRefresh };
  } finally {
    for (const connection of connections) connection.close();
    await server.stop();
  }
}
