import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type Certificate, openCertificate } from "../http/certificate.ts";
import { type Clock, type Logger, millis, type Observer } from "../kernel/ports.ts";
import { noChange, type Prepared } from "../kernel/prepared.ts";
import type { AdminDeps } from "./contract.ts";
import { type AdminTls, ReplaceableCredentials } from "./credentials.ts";
import { adminMethods, dexMethods } from "./methods.ts";
import { type ServeDeps, serveMethods } from "./serve-methods.ts";
import { loadServices } from "./services.ts";

/** The files of a TLS listener, and what it speaks. */
export interface AdminTlsFiles extends AdminTls {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string;
}

export interface AdminServerOptions {
  /** "host:port"; without a host all interfaces. */
  readonly address: string;
  /** Absent: in clear. */
  readonly tls?: AdminTlsFiles;
  /** `grpc.reflection`: whether strangers to the `.proto` may ask for it. */
  readonly hasReflection: boolean;
  /** What the methods work on. @throws {UnavailableError} The database has not answered yet. */
  current(): AdminDeps;
  readonly observer: Observer;
  readonly trace: ServeDeps["trace"];
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface AdminServer {
  /** "127.0.0.1:5557", with the real port. */
  readonly address: string;
  /** When the certificate in use ends; undefined without TLS. */
  certificateEnd(): Date | undefined;
  /** Reads the certificates now. @throws {Error} They cannot be used: nothing has changed. */
  prepare(): Promise<Prepared>;
  /** Says in `grpc.health.v1` that it stops, accepts nothing more, waits for running calls, then cuts them off. */
  close(): Promise<void>;
}

/** compat(dex): what grpc-go takes at most. */
const mostBytes = 4 * 1024 * 1024;
/** How long a drain waits for calls. */
const patience = millis(10_000);

/** @throws {Error} A certificate cannot be used, or the address cannot be had. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { tls, clock, observer, current } = options;
  const logger = options.logger.with({ component: "api" });
  const services = loadServices();
  const server = new Server({
    "grpc.max_receive_message_length": mostBytes,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": 1_000,
    // Counting for a debugger that nobody attaches costs a tenth of every call.
    "grpc.enable_channelz": 0,
  });
  const deps = { current, observer, logger, trace: options.trace };
  server.addService(services.dex, serveMethods(services.dex, dexMethods, deps));
  server.addService(services.admin, serveMethods(services.admin, adminMethods, deps));
  const health = await addHealth(server);
  if (options.hasReflection) {
    const { ReflectionService } = await import("@grpc/reflection");
    new ReflectionService(services.all).addToServer(server);
  }
  const { credentials, certificate } = await credentialsOf(tls, clock, logger);
  let address: string;
  try {
    address = await bind(server, options.address, credentials);
  } catch (error) {
    certificate?.close();
    server.forceShutdown();
    throw error;
  }
  return {
    address,
    certificateEnd: () => certificate?.current().notAfter,
    // Without TLS nothing here changes.
    prepare: async () => certificate?.prepare() ?? noChange,
    async close() {
      health.stop();
      const done = new AbortController();
      const cut = clock.sleep(patience, done.signal).then(
        () => server.forceShutdown(),
        () => undefined,
      );
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      done.abort();
      await cut;
      certificate?.close();
    },
  };
}

/** `grpc.health.v1.Health`, for probes of orchestrators. Dex has none. */
async function addHealth(server: Server): Promise<{ stop(): void }> {
  const { HealthImplementation } = await import("grpc-health-check");
  const names = ["", "api.Dex", "dexts.Admin"];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, "SERVING" as const])));
  health.addToServer(server);
  return {
    stop() {
      for (const name of names) health.setStatus(name, "NOT_SERVING");
    },
  };
}

interface Opened {
  readonly credentials: ServerCredentials;
  readonly certificate?: Certificate;
}

async function credentialsOf(tls: AdminTlsFiles | undefined, clock: Clock, logger: Logger): Promise<Opened> {
  if (tls === undefined) {
    // compat(dex): whoever reaches the port is an administrator.
    logger.warn("the gRPC API is served without TLS: whoever reaches its address administers this server");
    return { credentials: ServerCredentials.createInsecure() };
  }
  if (tls.clientCaFile === undefined)
    logger.warn("the gRPC API asks no client for a certificate: whoever reaches its address administers this server");
  const { certFile, keyFile, clientCaFile } = tls;
  const certificate = await openCertificate({
    certFile,
    keyFile,
    ...(clientCaFile === undefined ? {} : { clientCaFile }),
    clock,
    logger,
    onChange: (pair) => credentials.replace(pair),
  });
  const credentials = new ReplaceableCredentials(certificate.current(), tls);
  return { credentials, certificate };
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<string> {
  // Go binds localhost to IPv4, and nothing to everything.
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  const where = host === "localhost" ? "127.0.0.1" : host || "[::]";
  return new Promise((resolve, reject) => {
    server.bindAsync(`${where}:${port}`, credentials, (error, bound) => {
      if (error === null) resolve(`${where}:${bound}`);
      else reject(new Error(`listen tcp ${address}: ${error.message}`, { cause: error }));
    });
  });
}
