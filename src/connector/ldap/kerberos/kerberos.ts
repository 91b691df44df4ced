/** Single sign-on with Kerberos: a browser's ticket says who somebody is, the directory says the rest. RFC 4559, RFC 4178. */
import { readFile } from "node:fs/promises";
import type { Secret } from "../../../kernel/secret.ts";
import type { ConnectorDeps, Login } from "../../contract.ts";
import type { LdapSettings } from "../schema.ts";
import { type Acceptor, startAcceptor } from "./acceptor.ts";
import { hostService, parsePrincipal, usernameOf } from "./principal.ts";

export interface Kerberos {
  /** The name to look up, or why there is none. */
  usernameIn(token: Secret<Uint8Array>, login: Login): Promise<TicketVerdict>;
  readonly fallsBack: boolean;
  close(): void;
}

export type TicketVerdict = { readonly ok: true; readonly username: string } | { readonly ok: false };

/** More than any ticket with its authorization data has. */
const maxToken = 64 * 1024;

/**
 * Undefined where it is not enabled, or has no keytab: passwords go on working, as in Dex.
 * @throws {Error} The npm package `kerberos` cannot be loaded.
 */
export async function openKerberos({ kerberos }: LdapSettings, deps: ConnectorDeps): Promise<Kerberos | undefined> {
  if (!kerberos.enabled) return undefined;
  const { keytabPath, spn, keytabPrincipal, maxClockSkew, expectedRealm, fallbackToPassword } = kerberos;
  if (keytabPath === "") {
    deps.logger.warn("kerberos enabled but keytabPath is empty; disabling kerberos");
    return undefined;
  }
  try {
    await checkKeytab(keytabPath);
  } catch (error) {
    deps.logger.warn("failed to initialize kerberos; disabling kerberos", {}, error);
    return undefined;
  }
  if (expectedRealm === "") {
    deps.logger.warn("kerberos.expectedRealm is not set: jane of any trusted realm is the jane of this directory");
  }
  // A principal that is no service of a host (AD's account name) leaves the choice to the keytab.
  const service = hostService(keytabPrincipal) ?? hostService(spn) ?? "";
  const options = { keytab: keytabPath, service, clockSkew: Math.max(0, maxClockSkew) };
  const acceptor: Acceptor = await startAcceptor(options, deps.clock);
  deps.logger.info("kerberos SPNEGO enabled for LDAP connector", { keytab: keytabPath, service, expectedRealm });
  return {
    fallsBack: fallbackToPassword,
    async usernameIn(token, login) {
      const refuse = (because: string): TicketVerdict => {
        login.trail.note({ check: "kerberos.ticket", outcome: "fail", because, spec: "RFC 4559 §4" });
        deps.logger.info("kerberos ticket refused", { reason: because });
        return { ok: false };
      };
      if (token.reveal().length > maxToken) return refuse("it is longer than any ticket");
      const verdict = await acceptor.accept(token, login.signal);
      if (!verdict.ok) return refuse(verdict.because);
      const principal = parsePrincipal(verdict.principal);
      if (principal === undefined) return refuse("its name cannot be used");
      if (expectedRealm !== "" && principal.realm.toLowerCase() !== expectedRealm.toLowerCase())
        return refuse("it comes from another realm");
      return { ok: true, username: usernameOf(principal, kerberos.usernameFromPrincipal) };
    },
    close: () => acceptor.close(),
  };
}

/** The file begins with its version. @throws {Error} */
async function checkKeytab(path: string): Promise<void> {
  const bytes = await readFile(path);
  if (bytes[0] !== 5 || (bytes[1] !== 1 && bytes[1] !== 2)) throw new Error(`${path} is no keytab`);
}
