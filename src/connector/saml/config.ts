import { z } from "zod";
import { parseDuration } from "../../kernel/duration.ts";
import { quoteGo } from "../../kernel/go-quote.ts";
import { nameIdFormats, persistentFormat } from "./names.ts";
import { pinnedKeys } from "./trusted-keys.ts";

/** compat(dex): null leaves the default, and Dex stores an empty list as null. */
const orElse = <Value>(schema: z.ZodType<Value>, fallback: NoInfer<Value>, meaning: string) =>
  schema
    .nullish()
    .transform((value) => value ?? fallback)
    .describe(meaning);
const text = (meaning: string) => orElse(z.string(), "", meaning);
const flag = (meaning: string) => orElse(z.boolean(), false, meaning);
const list = (meaning: string) => orElse(z.array(z.string()).readonly(), [], meaning);
const bindingNames = z.enum(["", "post", "redirect"]);

const keys = z.object({
  ssoURL: text("The identity provider's single sign-on address. Required, unless metadata says it."),
  redirectURI: text(
    "Our assertion consumer service as the identity provider knows it: the issuer and `/callback`, or `/callback/` and the connector's id. Required.",
  ),
  entityIssuer: text(
    "Our entity id: the issuer of requests, and the audience of assertions. Empty: no issuer is sent, and the audience is `redirectURI`.",
  ),
  ssoIssuer: text(
    "The identity provider's entity id, which Response and Assertion must name. Empty: metadata says it, or any is taken.",
  ),
  ca: text(
    "PEM file with the certificates that sign for the identity provider: exactly these, not what they have issued.",
  ),
  caData: text("The same as base64 of the PEM text. One of `ca`, `caData`, `metadataURL`, `metadataFile` is required."),
  insecureSkipSignatureValidation: flag(
    "Takes unsigned and forged assertions: anybody can be anybody. For trying things out.",
  ),
  usernameAttr: text("Name of the attribute that becomes the `name` claim. Required."),
  emailAttr: text("Name of the attribute that becomes the `email` claim. Required."),
  preferredUsernameAttr: text("Name of the attribute that becomes the `preferred_username` claim. Empty: none."),
  groupsAttr: text("Name of the attribute that holds the groups. Empty: none."),
  groupsDelim: text("Splits the first value of `groupsAttr` into groups. Empty: each value is a group."),
  allowedGroups: list("Who is in none of these groups is refused. Empty: everybody may sign in."),
  filterGroups: flag("Whether the `groups` claim holds the allowed groups only."),
  nameIDPolicyFormat: text(
    "The NameID to ask for, as a URN or its last component. Empty: `persistent`. NameID becomes the user's id.",
  ),
  metadataURL: text(
    "Where the identity provider publishes its metadata: addresses, entity id and keys come from there.",
  ),
  metadataFile: text("A file with that metadata, read again as often."),
  metadataRefresh: text(
    "How often metadata is read again, `1h` when empty. A signature by an unknown key has it read at once, at most each minute.",
  ),
  metadataCA: text(
    "PEM file with the certificates one of which must have signed the metadata. Empty: TLS alone vouches for `metadataURL`.",
  ),
  metadataCAData: text("The same as base64 of the PEM text."),
  rootCAs: list("Authorities for the TLS of `metadataURL`, beside the system's: files, PEM texts, or base64 of PEM."),
  requestBinding: orElse(
    bindingNames,
    "",
    "How a request travels: `post` is Dex's way and the default; `redirect` puts it into the address.",
  ),
  privateKey: text(
    "Our RSA or EC key, as a PEM file, a PEM text, or base64 of PEM. It signs requests; an RSA key opens encrypted assertions, too.",
  ),
  certificate: text("The certificate of `privateKey`, in one of these forms, to be named in our signatures."),
  previousPrivateKeys: list("Keys that `privateKey` has replaced, and that still open encrypted assertions."),
  signRequests: z
    .boolean()
    .nullish()
    .describe("Whether requests are signed. Absent: they are when there is a `privateKey`."),
  forceAuthn: flag("Asks the identity provider to authenticate anew, and refuses an assertion of an older login."),
  authnContextClassRefs: list(
    "Authentication contexts to ask for. An assertion must then name one of them, if the comparison is `exact`.",
  ),
  authnContextComparison: orElse(
    z.enum(["", "exact", "minimum", "maximum", "better"]),
    "",
    "How `authnContextClassRefs` are meant; `exact` when empty.",
  ),
  sloURL: text("The identity provider's single logout address. Empty: metadata says it, or there is none."),
  sloBinding: orElse(bindingNames, "", "How a logout request travels; `redirect` when empty."),
  clockSkew: text("How far the two clocks may be apart; `30s` when empty, `5m` at the most."),
  insecureAllowSHA1: flag("Takes signatures with SHA-1, which have been forged."),
  insecureAllowMissingRestrictions: flag(
    "Takes assertions without Recipient, NotOnOrAfter, Conditions or audience, and signed responses without Destination or Issuer. Dex does.",
  ),
});

export type SamlKeys = z.output<typeof keys>;

/** `connectors[].config` of type `saml`. Reads no file: whether those are there shows when the connector opens. */
export const samlConfig = keys.superRefine((config, context) => {
  const refuse = (message: string, ...path: string[]): void => context.addIssue({ code: "custom", message, path });
  const missing = requiredKeys(config).filter((key) => config[key] === "");
  const [first] = missing;
  if (missing.length === 1) refuse(`missing required field ${quoteGo(first ?? "")}`);
  else if (missing.length > 1) refuse(`missing required fields [${missing.map(quoteGo).join(" ")}]`);
  if (nameIdFormatOf(config.nameIDPolicyFormat) === undefined) {
    refuse(`invalid nameIDPolicyFormat: ${quoteGo(config.nameIDPolicyFormat)}`, "nameIDPolicyFormat");
  }
  checkTrust(config, refuse);
  checkMetadata(config, refuse);
  checkSpans(config, refuse);
  for (const key of ["ssoURL", "sloURL", "metadataURL", "redirectURI"] as const) {
    if (config[key] !== "" && !isWebAddress(config[key])) refuse("not an http or https address", key);
  }
  if (config.signRequests === true && config.privateKey === "")
    refuse("signRequests needs a privateKey", "signRequests");
});

const requiredKeys = (config: SamlKeys): readonly (keyof SamlKeys & string)[] => [
  ...(hasMetadata(config) ? [] : (["ssoURL"] as const)),
  "usernameAttr",
  "emailAttr",
  "redirectURI",
];

export const hasMetadata = ({ metadataURL, metadataFile }: SamlKeys): boolean =>
  metadataURL !== "" || metadataFile !== "";

const isWebAddress = (address: string): boolean =>
  URL.canParse(address) && ["http:", "https:"].includes(new URL(address).protocol);

type Refuse = (message: string, ...path: string[]) => void;

function checkTrust(config: SamlKeys, refuse: Refuse): void {
  const { ca, caData, insecureSkipSignatureValidation } = config;
  if (hasMetadata(config)) {
    if (ca !== "" || caData !== "")
      refuse("the keys come from metadata; remove 'ca' and 'caData', or the metadata", "ca");
  } else if (!insecureSkipSignatureValidation && (ca === "") === (caData === "")) {
    refuse("must provide either 'ca' or 'caData'");
  }
  checkPem("caData", caData, refuse);
  checkPem("metadataCAData", config.metadataCAData, refuse);
}

function checkPem(key: string, data: string, refuse: Refuse): void {
  if (data === "") return;
  try {
    pinnedKeys(decodePem(data));
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error), key);
  }
}

/** compat(dex): Go decodes a bytes field from standard base64, line ends left out. @throws {Error} */
export function decodePem(data: string): string {
  const packed = data.replace(/[\r\n]/g, "");
  const bytes = Buffer.from(packed, "base64");
  if (bytes.toString("base64") !== packed) throw new Error("illegal base64 data: give the base64 of the PEM text");
  return bytes.toString();
}

/** Keys over plain http are anybody's, unless a pinned signer vouches for them. */
function checkMetadata({ metadataURL, metadataFile, metadataCA, metadataCAData }: SamlKeys, refuse: Refuse): void {
  if (metadataURL !== "" && metadataFile !== "") refuse("give either 'metadataURL' or 'metadataFile'", "metadataFile");
  if (metadataCA !== "" && metadataCAData !== "")
    refuse("give either 'metadataCA' or 'metadataCAData'", "metadataCAData");
  const isPinned = metadataCA !== "" || metadataCAData !== "";
  if (!isWebAddress(metadataURL) || isPinned) return;
  const { protocol, hostname } = new URL(metadataURL);
  const isHere = hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  if (protocol === "http:" && !isHere)
    refuse("metadata over http needs 'metadataCA' or 'metadataCAData'", "metadataURL");
}

function checkSpans(config: SamlKeys, refuse: Refuse): void {
  for (const [key, fallback, least, most] of [
    ["clockSkew", "30s", "0", "5m"],
    ["metadataRefresh", "1h", "1m", "168h"],
  ] as const) {
    try {
      const span = parseDuration(config[key] || fallback);
      if (span < parseDuration(least) || span > parseDuration(most)) refuse(`must be from ${least} to ${most}`, key);
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error), key);
    }
  }
}

/** The whole URN; undefined for what is none. */
export const nameIdFormatOf = (named: string): string | undefined =>
  named === ""
    ? persistentFormat
    : (nameIdFormats.get(named) ?? [...nameIdFormats.values()].find((format) => format === named));
