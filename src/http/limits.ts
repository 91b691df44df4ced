import type { Millis } from "../kernel/ports.ts";
import { millis } from "../kernel/ports.ts";

/** What one request, one connection and one shutdown may cost. Dex sets no limit but 10 MB on forms. */
export interface Limits {
  /** Bytes of a body. The largest legitimate one is a signed SAML response with many groups. */
  readonly body: number;
  /**
   * Bytes of request line and headers together. Our sealed `state` is up to 8 KiB and may stand in a URL
   * twice (itself, and inside a `back` link), next to cookies; Node's own 16 KiB would cut real logins off. And an
   * authenticating proxy may name ten thousand groups in one header.
   */
  readonly head: number;
  /** The same for one of the many requests of an HTTP/2 connection: browsers speak it, proxies seldom do. */
  readonly streamHead: number;
  /** Until the headers are complete. A slowloris sends one byte now and then. */
  readonly headTimeout: Millis;
  /** Until the whole request is there: 1 MiB over a bad mobile link. */
  readonly requestTimeout: Millis;
  /** How often Node looks for connections past the two limits above. */
  readonly sweep: Millis;
  /**
   * How long an idle connection is kept. Longer than the 60 s of common load balancers, because the side that
   * closes first races a request of the other, and a balancer answers that race with 502.
   */
  readonly idle: Millis;
  /** After this a request's signal aborts and its answer is 503. */
  readonly deadline: Millis;
  /** How long {@link HttpServer.close} waits for requests in flight. Kubernetes kills after 30 s. */
  readonly drain: Millis;
  /** Concurrent streams of one HTTP/2 connection. */
  readonly streams: number;
}

export const defaultLimits: Limits = {
  body: 1024 * 1024,
  head: 256 * 1024,
  streamHead: 64 * 1024,
  headTimeout: millis(15_000),
  requestTimeout: millis(30_000),
  sweep: millis(5_000),
  idle: millis(75_000),
  deadline: millis(30_000),
  drain: millis(10_000),
  streams: 100,
};
