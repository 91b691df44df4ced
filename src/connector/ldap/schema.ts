import { createRequire } from "node:module";
import { z } from "zod";
import { parseDuration } from "../../kernel/duration.ts";
import { quoteGo } from "../../kernel/go-quote.ts";
import { FilterError, parseFilter } from "./wire/filter.ts";

const text = () => z.string().default("");

const required = (key: string) => `ldap: missing required field "${key}"`;

const filter = () => text().check(checkFilter);

/** Dex finds a bad filter when somebody logs in, and then again at every login. */
function checkFilter({ value, issues }: z.core.ParsePayload<string>): void {
  if (value === "") return;
  try {
    parseFilter(value);
  } catch (error) {
    issues.push({ code: "custom", input: value, message: error instanceof FilterError ? error.message : "bad filter" });
  }
}

const scope = (key: string) =>
  text()
    .refine((value) => ["", "sub", "one"].includes(value), {
      error: ({ input }) => `${key}.Scope unknown value ${quoteGo(String(input))}`,
    })
    .describe("`sub`, the whole tree below `baseDN`, or `one`, its children only. Empty: `sub`.");

const duration = (initial: string) =>
  z
    .string()
    .default(initial)
    .check(({ value, issues }) => {
      try {
        if (parseDuration(value) > 0) return;
        issues.push({ code: "custom", input: value, message: "it must be longer than nothing" });
      } catch (error) {
        issues.push({ code: "custom", input: value, message: error instanceof Error ? error.message : "no duration" });
      }
    });

const userSearch = z.object({
  baseDN: text()
    .refine((value) => value !== "", required("userSearch.baseDN"))
    .describe("Where people are looked for."),
  filter: filter().describe("Which entries are people: an LDAP filter with its parentheses. Empty: all."),
  username: z
    .union([z.string(), z.array(z.string())], "username must be a string or list of strings")
    .default("")
    .refine((value) => [value].flat().some((name) => name !== ""), required("userSearch.username"))
    .describe("The attribute that is compared with what was typed; with a list, any of them."),
  scope: scope("userSearch"),
  idAttr: text().describe(
    "The attribute that becomes the user id. It must never be reused for somebody else; `DN` is the entry's name, " +
      "`objectGUID` and `objectSid` are written as text. Empty: `uid`.",
  ),
  emailAttr: text().describe("The attribute with the e-mail address. Empty: `mail`."),
  nameAttr: text().describe("The attribute with the person's name."),
  preferredUsernameAttr: text().describe("The attribute that becomes `preferred_username`."),
  emailSuffix: text().describe("Makes the address from the name and this domain, instead of `emailAttr`."),
});

const userMatcher = z.object({
  userAttr: text().describe("Each value of this attribute of the person is looked for; `DN` is the entry's name."),
  groupAttr: text().describe("The attribute of the groups that it is compared with."),
  recursionGroupAttr: text().describe("The attribute that names the groups within a group. Empty: only direct groups."),
});

const groupSearch = z.object({
  baseDN: text().describe("Where groups are looked for. Empty: nobody has any."),
  filter: filter().describe("Which entries are groups. Empty: all."),
  scope: scope("groupSearch"),
  userMatchers: z.array(userMatcher).default([]).describe("How a group is found for a person; all of them count."),
  userAttr: text().describe("Old: use `userMatchers`."),
  groupAttr: text().describe("Old: use `userMatchers`."),
  recursionGroupAttr: text().describe("Old: use `userMatchers`."),
  nameAttr: text().describe("The attribute that names a group in the `groups` claim."),
  matchingRuleInChain: z
    .boolean()
    .default(false)
    .describe(
      "Where the directory is Active Directory, it walks through nested groups itself, in one search: for matchers " +
        "whose `groupAttr` and `recursionGroupAttr` are the same.",
    ),
});

const usernames = ["localpart", "samaccountname", "userprincipalname"];

const kerberos = z.object({
  enabled: z.boolean().default(false).describe("Whether browsers may log in with a Kerberos ticket."),
  keytabPath: text().describe("The file with the service's keys."),
  spn: text().describe("The service, `HTTP/dex.example.com`, whose tickets are accepted. Empty: any in the keytab."),
  keytabPrincipal: text().describe("The one entry of the keytab that counts. Empty: all."),
  maxClockSkew: z.int().default(0).describe("Seconds that clocks may differ. 0: five minutes."),
  expectedRealm: text().describe("The realm that tickets must come from. Empty: any that the keytab's realm trusts."),
  usernameFromPrincipal: text()
    .refine((value) => value === "" || usernames.includes(value.toLowerCase()), {
      error: "it is none of localpart, sAMAccountName, userPrincipalName",
    })
    .describe(
      "What is looked up for `jane@EXAMPLE.ORG`: `localpart` or `sAMAccountName` for `jane`, `userPrincipalName` for " +
        "all of it. Empty: `localpart`.",
    ),
  fallbackToPassword: z.boolean().default(false).describe("Whether those without a ticket see the form."),
});

const isBase64 = (value: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value.replace(/[\r\n]/g, ""));

const fields = z.object({
  host: z
    .union([z.string(), z.array(z.string())])
    .default("")
    .describe(
      "The server, `ldap.example.com` or with `:port`. Several, as a list or with commas: the first that works is " +
        "used. Without a port 636, but 389 with `insecureNoSSL` or `startTLS`.",
    ),
  hostSRV: text().describe("Finds the servers in the DNS instead: `_ldap._tcp.example.com`. RFC 2782."),
  insecureNoSSL: z.boolean().default(false).describe("Sends passwords without TLS."),
  startTLS: z.boolean().default(false).describe("Begins without TLS and insists on it before anything is said."),
  insecureSkipVerify: z.boolean().default(false).describe("Accepts any certificate."),
  rootCA: text().describe("A PEM file of the authorities that count instead of the system's."),
  rootCAData: text()
    .refine(isBase64, "it is not base64")
    .describe("The same PEM text, in base64. Counts before `rootCA`."),
  clientCert: text().describe("A PEM file with our own certificate, where the server wants one."),
  clientKey: text().describe("The PEM file with its key."),
  bindDN: text().describe("Who searches the directory. Empty, with an empty `bindPW`: nobody in particular."),
  bindPW: text().describe("The password of `bindDN`.").meta({ writeOnly: true }),
  usernamePrompt: text().describe("What the form calls the name. Empty: `Username`."),
  userSearch: userSearch.prefault({}).describe("How a person is found, and what becomes of the entry."),
  groupSearch: groupSearch.prefault({}).describe("How the groups of a person are found."),
  kerberos: kerberos.prefault({}).describe("Single sign-on with Kerberos (SPNEGO). Needs the npm package `kerberos`."),
  connectTimeout: duration("5s").describe("How long a server may take to accept a connection, TLS included."),
  requestTimeout: duration("10s").describe("How long a server may take for one answer."),
});

export const ldapSchema = fields.check(({ value, issues }) => {
  const refuse = (path: readonly string[], message: string): void => {
    issues.push({ code: "custom", input: value, path: [...path], message });
  };
  const hosts = hostTexts(value.host);
  if (hosts.length === 0 && value.hostSRV === "") refuse(["host"], required("host"));
  for (const host of hosts) {
    if (host.includes("/")) refuse(["host"], `${quoteGo(host)}: write the host alone, without ldap:// or a path`);
  }
  if (value.bindDN !== "" && value.bindPW === "")
    refuse(["bindPW"], "bindDN without bindPW: the server would take it for an anonymous bind (RFC 4513 §5.1.2)");
  if (value.kerberos.enabled && !hasKerberosPackage())
    refuse(["kerberos", "enabled"], "the npm package kerberos is not installed: npm install kerberos");
});

export type LdapSettings = z.output<typeof ldapSchema>;

/** The hosts that `host` names, in order. */
export const hostTexts = (host: string | readonly string[]): readonly string[] =>
  [host]
    .flat()
    .flatMap((each) => each.split(","))
    .map((each) => each.trim())
    .filter((each) => each !== "");

function hasKerberosPackage(): boolean {
  try {
    createRequire(import.meta.url).resolve("kerberos");
    return true;
  } catch {
    return false;
  }
}
