import { isIPv6 } from "node:net";
import type { Report } from "../contract.ts";
import type { DirectoryOptions } from "./directory.ts";
import { firstText } from "./entry-text.ts";
import { type Address, LdapConnection } from "./wire/connection.ts";
import { LdapResultError } from "./wire/errors.ts";
import { parseFilter } from "./wire/filter.ts";

/** What each server is, before anybody signs in to it. @throws {Error} The DNS names none. */
export async function diagnoseServers(options: DirectoryOptions, report: Report, signal: AbortSignal): Promise<void> {
  for (const address of await options.listHosts()) {
    const host = isIPv6(address.host) ? `[${address.host}]` : address.host;
    const scheme = options.protection.mode === "ldaps" ? "ldaps" : "ldap";
    await report.address(new URL(`${scheme}://${host}:${address.port}`));
    try {
      await diagnoseServer(address, options, report, signal);
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      report.fact("fail", "server", `${host}:${address.port}: ${reason}`);
    }
  }
}

/** Whom to trust is for the bind to say, which follows: a certificate that is not trusted is to be looked at, too. */
async function diagnoseServer(
  address: Address,
  options: DirectoryOptions,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { protection } = options;
  const lenient = protection.mode === "none" ? protection : { ...protection, rejectUnauthorized: false };
  const connection = await LdapConnection.open(address, { ...options, protection: lenient }, signal);
  try {
    // A TLS port was looked at by its address.
    if (protection.mode === "startTLS" && connection.tls !== undefined) report.tls(connection.tls);
    const filter = parseFilter("(objectClass=*)");
    const attributes = ["currentTime"];
    const [root] = await connection.search({ base: "", scope: "base", filter, attributes, sizeLimit: 1 }, signal);
    const time = root === undefined ? undefined : generalizedTime(firstText(root, "currentTime"));
    if (time !== undefined) report.clock(time);
  } catch (error) {
    // It says nothing to strangers, which is its right.
    if (!(error instanceof LdapResultError)) throw error;
  } finally {
    connection.close();
  }
}

/** Active Directory's clock; others do not tell. RFC 4517 §3.3.13, in UTC. */
function generalizedTime(text: string): number | undefined {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/, "$1-$2-$3T$4:$5:$6Z");
  const time = Date.parse(iso);
  return iso === text || Number.isNaN(time) ? undefined : time;
}
