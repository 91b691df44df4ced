/**
 * People whom a reverse proxy has already recognised. It guards `/callback/{id}`, overwrites a few headers there, and
 * we believe them: so they count on that path alone, and from that proxy alone.
 */
import { z } from "zod";
import { type Cidr, inRanges, parseAddress, parseCidr } from "../../kernel/addresses.ts";
import { type Callback, type ConnectorDeps, defineConnector, type Identity } from "../contract.ts";

const header = (initial: string, what: string) =>
  z
    .string()
    .default("")
    .refine((name) => name === "" || /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name), "it is no name of an HTTP header")
    .describe(`The header with ${what}. Empty: \`${initial}\`.`);

const config = z
  .object({
    userHeader: header("X-Remote-User", "the person's name, which must be there"),
    userIDHeader: header("X-Remote-User-Id", "the user id, which must never be reused. Without it the name counts"),
    userNameHeader: header("X-Remote-User-Name", "the `preferred_username`. Without it the name counts"),
    emailHeader: header("X-Remote-User-Email", "the e-mail address. Without it the name counts"),
    groupHeader: header("X-Remote-Group", "the groups"),
    groupHeaderSeparator: z.string().default("").describe("What stands between two groups. Empty: a comma."),
    staticGroups: z.array(z.string()).default([]).describe("Groups that everybody is in."),
    trustedProxies: z
      .array(z.string().check(checkRange))
      .default([])
      .describe(
        "Ranges of addresses that the proxy connects from, `10.0.0.7/32`. Empty: those of `web.clientRemoteIP`; where " +
          "there are none either, loopback and private addresses.",
      ),
  })
  .nullish();

function checkRange({ value, issues }: z.core.ParsePayload<string>): void {
  try {
    parseCidr(value);
  } catch (error) {
    issues.push({ code: "custom", input: value, message: error instanceof Error ? error.message : "no range" });
  }
}

/** What no stranger on the internet can connect from. RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 §2.5. */
const nearby =
  "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16 ::1/128 fc00::/7 fe80::/10";

export const authProxy = defineConnector({
  type: "authproxy",
  config,
  about: {
    refresh: false,
    groups: true,
    preferredUsername: true,
    logout: false,
    tokenExchange: false,
    status: "alpha",
  },
  diagnose: async (settings, deps, report) => {
    const own = settings?.trustedProxies ?? [];
    const isNamed = own.length > 0 || (deps.trustedProxies ?? []).length > 0;
    const ranges = own.length > 0 ? own.join(", ") : "those of web.clientRemoteIP";
    report.fact("pass", "path", `/callback/${encodeURIComponent(deps.id)}: the proxy must guard it`);
    report.fact("pass", "headers", Object.values(headerNames(settings ?? {})).join(", "));
    report.fact(
      isNamed ? "pass" : "warn",
      "proxies",
      isNamed ? `trusted: ${ranges}` : "none is named: whoever connects from a loopback or private address is trusted",
    );
  },
  open: async (settings, deps) => {
    const names = headerNames(settings ?? {});
    const separator = settings?.groupHeaderSeparator || ",";
    const staticGroups = settings?.staticGroups ?? [];
    const isTrusted = inRanges(trustedRanges(settings?.trustedProxies ?? [], deps));
    return {
      kind: "redirect" as const,
      returnsBy: "redirect" as const,
      begin: async (callback, state) => {
        const to = new URL(callback);
        to.pathname += `/${encodeURIComponent(deps.id)}`;
        to.searchParams.set("state", state());
        return { kind: "redirect" as const, to };
      },
      finish: async (callback, _, { trail }) => {
        const peer = parseAddress(callback.peer.split("%")[0] ?? "");
        if (peer === undefined || !isTrusted(peer)) {
          trail.note({ check: "authproxy.peer", outcome: "fail", because: `${callback.peer} is no trusted proxy` });
          throw new Error(`${callback.peer} may not say who somebody is: see trustedProxies of the connector`);
        }
        refuseOtherPaths(callback, deps.id);
        const said = (name: string): string => headerText(callback, name);
        const user = said(names.user);
        if (user === "") throw new Error(`required HTTP header ${names.user} is not set`);
        const groups = said(names.group);
        const identity: Identity = {
          userId: said(names.userId) || user,
          username: user,
          preferredUsername: said(names.userName) || user,
          email: said(names.email) || user,
          emailVerified: true,
          groups: [...(groups === "" ? [] : groups.split(separator).map((group) => group.trim())), ...staticGroups],
        };
        return { ok: true as const, identity };
      },
    };
  },
});

const headerNames = (settings: NonNullable<z.output<typeof config>> | Record<string, never>) => ({
  user: settings.userHeader || "X-Remote-User",
  userId: settings.userIDHeader || "X-Remote-User-Id",
  userName: settings.userNameHeader || "X-Remote-User-Name",
  email: settings.emailHeader || "X-Remote-User-Email",
  group: settings.groupHeader || "X-Remote-Group",
});

function trustedRanges(own: readonly string[], { trustedProxies = [] }: ConnectorDeps): readonly Cidr[] {
  if (own.length > 0) return own.map(parseCidr);
  return trustedProxies.length > 0 ? trustedProxies : nearby.split(" ").map(parseCidr);
}

/**
 * The bare `/callback` is everybody's: the proxy does not guard it, and whoever began a login could bring headers of
 * a name of their own choice there.
 */
function refuseOtherPaths({ url }: Callback, id: string): void {
  const [last = "", before] = url.pathname.split("/").reverse();
  if (before !== "callback" || safelyDecoded(last) !== id)
    throw new Error("the answer of an authenticating proxy came by another path than its own");
}

function safelyDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Node reads header bytes as Latin-1, proxies write UTF-8; Go, and so Dex, passes bytes on. Empty: not there. */
function headerText({ headers, repeatedHeaders }: Callback, name: string): string {
  const lower = name.toLowerCase();
  const value = headers[lower] ?? "";
  // A proxy that adds its line to the visitor's instead of replacing it: the visitor's would count.
  if (repeatedHeaders?.has(lower)) throw new Error(`HTTP header ${name} came more than once`);
  try {
    return utf8.decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}
