import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect as connectPlain, isIP } from "node:net";
import { connect as connectTls, type DetailedPeerCertificate, type PeerCertificate, type TLSSocket } from "node:tls";
import type { Findings } from "../connector/contract.ts";
import type { Clock } from "../kernel/ports.ts";

/** Milliseconds for each step. */
const patience = 5_000;
const day = 86_400_000;

/** Facts of one address, whatever its protocol: its name, whether anybody listens, its certificate. */
export async function probeAddress(url: URL, report: Findings, clock: Clock): Promise<void> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isSecure = url.protocol === "https:" || url.protocol === "ldaps:";
  const port = Number(url.port || { "https:": 443, "http:": 80, "ldaps:": 636, "ldap:": 389 }[url.protocol] || 0);
  if (!(await probeName(host, report))) return;
  try {
    if (!isSecure) {
      const socket = connectPlain({ host, port, signal: AbortSignal.timeout(patience) });
      await once(socket, "connect");
      socket.destroy();
      return report.fact("pass", "connect", `${host}:${port} listens, in clear`);
    }
    const socket = connectTls({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Whether it is trusted is the connector's own business, which may bring authorities. Here it is looked at.
      rejectUnauthorized: false,
      timeout: patience,
    });
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(patience) });
    reportTls(socket, report, clock.now());
    socket.destroy();
  } catch (error) {
    report.fact("fail", "connect", `${host}:${port}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function probeName(host: string, report: Findings): Promise<boolean> {
  if (isIP(host) !== 0) return true;
  let found: readonly LookupAddress[];
  try {
    found = await lookup(host, { all: true });
  } catch (error) {
    report.fact("fail", "dns", `${host}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  report.fact("pass", "dns", `${host} is ${found.map(({ address }) => address).join(", ")}`);
  return true;
}

export function reportTls(socket: TLSSocket, report: Findings, now: number): void {
  report.fact("pass", "tls", `${socket.getProtocol()}, ${socket.getCipher().standardName}`);
  const seen = new Set<string>();
  let at: PeerCertificate | undefined = socket.getPeerCertificate(true);
  while (at?.fingerprint256 !== undefined && !seen.has(at.fingerprint256)) {
    seen.add(at.fingerprint256);
    reportCertificate(`${nameIn(at.subject)}, by ${nameIn(at.issuer)}`, Date.parse(at.valid_to), report, now);
    at = issuerOf(at);
  }
}

/** How long a certificate is good: a fortnight is the time to renew it. */
export function reportCertificate(name: string, validTo: number, report: Findings, now: number): void {
  const days = Math.floor((validTo - now) / day);
  const outcome = days < 0 ? "fail" : days < 14 ? "warn" : "pass";
  const until = days < 0 ? `expired ${-days} days ago` : `${days} days left, until ${new Date(validTo).toISOString()}`;
  report.fact(outcome, "certificate", `${name}, ${until}`);
}

/** The next one of the chain; the last one names itself. */
const issuerOf = (certificate: PeerCertificate): PeerCertificate | undefined =>
  "issuerCertificate" in certificate ? (certificate as DetailedPeerCertificate).issuerCertificate : undefined;

const nameIn = (name: PeerCertificate["subject"]): string => [name.CN ?? name.O ?? "nobody"].flat().join(" ");

/** The clocks, by what an HTTP answer says. Tokens and assertions are checked against them. */
export function reportClock(response: Response, report: Findings, clock: Clock): void {
  const said = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(said)) reportSkew(clock.now() - said, report);
}

/** `ahead`: milliseconds that our clock is ahead of theirs. */
export function reportSkew(ahead: number, report: Findings): void {
  // A second for its rounding, another for the way.
  const skew = Math.round(ahead / 1000);
  const outcome = Math.abs(skew) > 60 ? "fail" : Math.abs(skew) > 10 ? "warn" : "pass";
  const which = Math.abs(skew) <= 2 ? "agree" : `differ: ours is ${Math.abs(skew)} s ${skew > 0 ? "ahead" : "behind"}`;
  report.fact(outcome, "clock", `the clocks ${which}`);
}
