/**
 * Opens the site on its listeners: plain HTTP, HTTPS, or both with the same routes. This room owns sockets,
 * TLS and its reload, parsing and limits, security headers, CORS, the client's address, trace ids, static files
 * and the writing of answers and errors. It serves no URL of its own but files and 404. protocol.md's router
 * section of Dex is the model; what differs is said where it does.
 */

import type { Cidr } from "../kernel/addresses.ts";
import type { Clock, Logger, Random } from "../kernel/ports.ts";
import type { Prepared } from "../kernel/prepared.ts";
import type { Certificate } from "./certificate.ts";
import { openCertificate } from "./certificate.ts";
import { clientIpRule } from "./client-ip.ts";
import type { Route } from "./contract.ts";
import type { CorsPolicy } from "./cors.ts";
import { corsRule } from "./cors.ts";
import type { RenderErrorPage } from "./error-answer.ts";
import type { Limits } from "./limits.ts";
import { defaultLimits } from "./limits.ts";
import type { Listener, Sharing } from "./listener.ts";
import { listen } from "./listener.ts";
import { routeTable } from "./route-table.ts";
import { baseHeaders } from "./security-headers.ts";
import type { Channel, Observation, Site } from "./site.ts";
import { serve } from "./site.ts";
import type { StaticMount } from "./static-files.ts";
import { readStaticFiles } from "./static-files.ts";

export interface HttpsOptions {
  /** "host:port". */
  readonly address: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly minVersion: "1.2" | "1.3";
  readonly maxVersion?: "1.2" | "1.3";
}

/** What may change while the listeners stay open. */
export interface HttpSettings {
  readonly routes: readonly Route[];
  /** Path of the issuer, "/dex"; "" or "/" without one. */
  readonly issuerPath: string;
  /** The operator's `web.headers`; an empty value removes a default. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cors: CorsPolicy;
  readonly clientRemoteIp: { readonly header?: string; readonly trustedProxies: readonly Cidr[] };
  readonly staticFiles: readonly StaticMount[];
  readonly onError: RenderErrorPage;
}

export interface HttpOptions extends HttpSettings {
  readonly listeners: { readonly http?: string; readonly https?: HttpsOptions };
  readonly sharing?: Sharing;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called after each answer of a route. Must not throw. */
  readonly observe?: (observation: Observation) => void;
  readonly limits?: Partial<Limits>;
}

export interface HttpServer {
  /** Where it listens, with real ports. */
  readonly addresses: { readonly http?: string; readonly https?: string };
  /** When the certificate in use ends; undefined without HTTPS. For a metric. */
  certificateEnd(): Date | undefined;
  /**
   * Reads certificate and static files, and gets ready to go on with `settings`, all of them from one request to the next;
   * requests under way end with those that they began with. @throws {Error} A file cannot be used: nothing has changed.
   */
  prepare(settings: HttpSettings): Promise<Prepared>;
  /** Serves on, and asks each client to come back over another connection: none is then open that could be cut off. */
  sayGoodbye(): void;
  /** Accepts nothing more and resolves when all requests in flight are answered, or are cut off after 10 s. */
  close(): Promise<void>;
}

/** @throws {Error} A listener's address is taken, a certificate or a folder of static files cannot be read. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { clock } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const current = { site: await siteOf(options, limits) };
  const opened = await openListeners(options, limits, current);
  return {
    addresses: opened.addresses,
    certificateEnd: () => opened.certificate?.current().notAfter,
    async prepare(next) {
      const [site, certificate] = await Promise.all([
        siteOf({ ...options, ...next }, limits),
        opened.certificate?.prepare(),
      ]);
      return {
        commit() {
          current.site = site;
          certificate?.commit();
        },
        abandon: () => certificate?.abandon(),
      };
    },
    sayGoodbye() {
      for (const channel of opened.channels) channel.isDraining = true;
    },
    async close() {
      for (const channel of opened.channels) channel.isDraining = true;
      opened.certificate?.close();
      await Promise.all(opened.listeners.map((listener) => listener.close(limits.drain, clock)));
    },
  };
}

/** @throws {Error} A folder of static files cannot be read. */
async function siteOf(options: HttpOptions, limits: Limits): Promise<Site> {
  const { clock, random, logger, cors, clientRemoteIp } = options;
  return {
    routes: routeTable(options.issuerPath, options.routes),
    files: await readStaticFiles(options.issuerPath, options.staticFiles),
    baseHeaders: { plain: baseHeaders(options.headers, false), secure: baseHeaders(options.headers, true) },
    cors: cors.allowedOrigins.length === 0 ? undefined : corsRule(cors),
    around: {
      clock,
      random,
      logger,
      clientIp: clientIpRule(clientRemoteIp.trustedProxies),
      clientIpHeader: clientRemoteIp.header?.toLowerCase(),
      deadline: limits.deadline,
    },
    render: options.onError,
    observe: options.observe,
  };
}

interface Opened {
  readonly addresses: HttpServer["addresses"];
  readonly certificate: Certificate | undefined;
  readonly listeners: readonly Listener[];
  readonly channels: readonly Channel[];
}

/** Both or none: if the second cannot be opened, the first is closed again. */
async function openListeners(options: HttpOptions, limits: Limits, current: { readonly site: Site }): Promise<Opened> {
  const { http, https } = options.listeners;
  const { sharing = "alone" } = options;
  const plain: Channel = { isSecure: false, isDraining: false };
  const secure: Channel = { isSecure: true, isDraining: false };
  const opened: Listener[] = [];
  let certificate: Certificate | undefined;
  try {
    const addresses: { http?: string; https?: string } = {};
    if (http !== undefined) {
      const listener = await listen(
        http,
        undefined,
        limits,
        sharing,
        (...request) => void serve(current.site, plain, ...request),
      );
      opened.push(listener);
      addresses.http = listener.address;
    }
    if (https !== undefined) {
      const { clock, logger } = options;
      let secureListener: Listener | undefined;
      certificate = await openCertificate({
        ...https,
        clock,
        logger,
        onChange: (pair) => secureListener?.setCertificate(pair),
      });
      const tls = { ...https, pair: certificate.current() };
      secureListener = await listen(
        https.address,
        tls,
        limits,
        sharing,
        (...request) => void serve(current.site, secure, ...request),
      );
      // A change while the listener was being opened found nobody to tell.
      secureListener.setCertificate(certificate.current());
      opened.push(secureListener);
      addresses.https = secureListener.address;
    }
    return { addresses, certificate, listeners: opened, channels: [plain, secure] };
  } catch (error) {
    certificate?.close();
    await Promise.all(opened.map((listener) => listener.close(limits.drain, options.clock)));
    throw error;
  }
}
