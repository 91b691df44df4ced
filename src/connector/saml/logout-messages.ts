import { verify as verifyBytes } from "node:crypto";
import { inflateRaw } from "node:zlib";
import type { Callback, EndedUpstream, UpstreamLogout } from "../contract.ts";
import { signatureAlgorithms } from "./algorithms.ts";
import { issuerOf } from "./authn-request.ts";
import { decodeBase64 } from "./base64.ts";
import type { NameIdParts } from "./cached-identity.ts";
import { clearNameIn } from "./clear-name.ts";
import type { Decryptor } from "./decrypt-assertion.ts";
import type { Idp } from "./idp.ts";
import { instantOf, type Moment, untimely, writeInstant } from "./instant.ts";
import { ns, statusPrefix } from "./names.ts";
import { checkRoot, mostBytes, readDocument, readMessage } from "./read-message.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import type { Outgoing } from "./sign-message.ts";
import { outOfDate } from "./trusted-keys.ts";
import { type SignaturePolicy, verifySignature } from "./verify-signature.ts";
import { attributeOf, childrenOf, isElement, textOf, type XmlElement } from "./xml/tree.ts";
import { noXml, type XmlText, xml } from "./xml/xml-text.ts";

/** How long a logout request of ours may be under way, and how old one of theirs may be. Milliseconds. */
export const logoutLifetime = 5 * 60_000;

export interface LogoutRequest {
  readonly id: string;
  readonly now: number;
  readonly destination: string;
  readonly entityIssuer: string;
  readonly nameId: NameIdParts;
  readonly logout: UpstreamLogout;
}

/** Asks the upstream to end the person's session. SAML Core §3.7.1, SAML Profiles §4.4.4.1. */
export function logoutRequest({ id, now, destination, entityIssuer, nameId, logout }: LogoutRequest): Outgoing {
  const { format, nameQualifier, spNameQualifier } = nameId;
  const optional = (name: string, value: string | undefined): XmlText =>
    value === undefined ? noXml : xml` ${{ xml: name }}="${value}"`;
  const name = xml`<saml:NameID xmlns:saml="${ns.assertion}"${optional("Format", format)}${optional("NameQualifier", nameQualifier)}${optional("SPNameQualifier", spNameQualifier)}>${logout.userId}</saml:NameID>`;
  const session =
    logout.upstreamSessionId === undefined
      ? noXml
      : xml`<samlp:SessionIndex>${logout.upstreamSessionId}</samlp:SessionIndex>`;
  return {
    field: "SAMLRequest",
    relayState: logout.state,
    write: (signature) =>
      xml`<samlp:LogoutRequest xmlns:samlp="${ns.protocol}" ID="${id}" Version="2.0" IssueInstant="${writeInstant(now)}" NotOnOrAfter="${writeInstant(now + logoutLifetime)}" Destination="${destination}">${issuerOf(entityIssuer)}${signature}${name}${session}</samlp:LogoutRequest>`,
  };
}

/** What an upstream's logout request says, once it is believed. */
export interface HeardLogout {
  readonly id: string;
  readonly ended: EndedUpstream;
  readonly relayState: string | undefined;
}

/** Reads a LogoutRequest that the browser brought, by either binding. SAML Profiles §4.4.3.3. @throws {SamlRefusal} */
export async function hearLogoutRequest(
  message: Callback,
  { entityId }: Pick<Idp, "entityId">,
  policy: SignaturePolicy,
  decrypt: Decryptor,
  skew: number,
): Promise<HeardLogout> {
  const { request: received, relayState } =
    message.method === "POST" ? posted(message, policy) : await redirected(message, policy);
  checkRequest(received, message, entityId, { now: policy.now, skew });
  const request = await clearNameIn(received, decrypt, true);
  const nameId = nameIdOf(request);
  const sessions = childrenOf(request, ns.protocol, "SessionIndex").map(textOf);
  const [session] = sessions;
  return {
    id: attributeOf(request, "ID") ?? "",
    relayState,
    // Of several sessions, and of none, all that the person has. SAML Core §3.7.1.
    ended: { userId: nameId, ...(session === undefined || sessions.length > 1 ? {} : { upstreamSessionId: session }) },
  };
}

interface Received {
  readonly request: XmlElement;
  readonly relayState: string | undefined;
}

const absent = (): SamlRefusal =>
  new SamlRefusal("saml.message.present", "there is no SAMLRequest", "SAML Bindings §3.4.4");

function posted({ form }: Callback, policy: SignaturePolicy): Received {
  const encoded = form.get("SAMLRequest");
  if (encoded === undefined) throw absent();
  const received = readMessage(encoded);
  checkRoot(received, "LogoutRequest");
  const signed = verifySignature(received, policy);
  if (signed === undefined) throw unsigned();
  return { request: signed.element, relayState: form.get("RelayState") };
}

const unsigned = (): SamlRefusal =>
  new SamlRefusal("saml.signature.present", "the LogoutRequest is not signed", "SAML Profiles §4.4.3.1");

/** The signature is over the query as it was sent; the message is read from the same octets. SAML Bindings §3.4.4.1. */
async function redirected({ url }: Callback, policy: SignaturePolicy): Promise<Received> {
  const raw = new Map<string, string>();
  for (const piece of url.search.slice(1).split("&")) {
    const name = piece.split("=", 1)[0] ?? "";
    if (raw.has(name)) throw new SamlRefusal("saml.message.present", `${quoted(name)} is given twice`);
    raw.set(name, piece);
  }
  const value = (name: string): string | undefined => {
    const piece = raw.get(name);
    return piece === undefined ? undefined : (new URLSearchParams(piece).get(name) ?? undefined);
  };
  const message = value("SAMLRequest");
  if (message === undefined) throw absent();
  const signed = ["SAMLRequest", "RelayState", "SigAlg"].flatMap((name) => raw.get(name) ?? []).join("&");
  verifyQuery(signed, value("SigAlg"), value("Signature"), policy);
  const request = readDocument(await inflated(message));
  checkRoot(request, "LogoutRequest");
  return { request, relayState: value("RelayState") };
}

function verifyQuery(
  signed: string,
  method: string | undefined,
  value: string | undefined,
  policy: SignaturePolicy,
): void {
  if (method === undefined || value === undefined) throw unsigned();
  const algorithm = signatureAlgorithms.get(method);
  if (algorithm === undefined || (algorithm.hash === "sha1" && !policy.allowsSha1)) {
    throw new SamlRefusal("saml.signature.algorithm", `signed by ${quoted(method)}`, "SAML Bindings §3.4.4.1");
  }
  const signature = decodeBase64(value);
  const signer = policy.keys.find(
    ({ key }) =>
      signature !== undefined &&
      key.asymmetricKeyType === algorithm.keyType &&
      verifyBytes(algorithm.hash, Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }, signature),
  );
  if (signer === undefined)
    throw new SamlRefusal("saml.signature.key", "by none of the trusted keys", "SAML Core §5.4");
  const expired = outOfDate(signer, policy.now);
  if (expired !== undefined) throw new SamlRefusal("saml.signature.key_validity", expired, "SAML Core §5.4");
}

/** A few kilobytes of zeroes can be packed into a handful of bytes, so what comes out is bounded too. */
async function inflated(message: string): Promise<Uint8Array> {
  const packed = decodeBase64(message);
  if (packed === undefined) throw new SamlRefusal("saml.message.base64", "not base64", "SAML Bindings §3.4.4.1");
  return new Promise((resolve, reject) =>
    inflateRaw(packed, { maxOutputLength: mostBytes }, (cause, bytes) =>
      cause === null
        ? resolve(bytes)
        : reject(new SamlRefusal("saml.message.deflate", "it cannot be unpacked", "SAML Bindings §3.4.4.1", { cause })),
    ),
  );
}

function checkRequest(request: XmlElement, { url }: Callback, entityId: string | undefined, moment: Moment): void {
  const destination = attributeOf(request, "Destination");
  const here = `${url.origin}${url.pathname}`;
  if (destination !== here) {
    const because = `expected Destination ${quoted(here)}, got ${quoted(destination)}`;
    throw new SamlRefusal("saml.logout.destination", because, "SAML Bindings §3.4.5.2");
  }
  const [issuer] = childrenOf(request, ns.assertion, "Issuer");
  const named = issuer === undefined ? undefined : textOf(issuer).trim();
  if (entityId !== undefined && named !== entityId) {
    const because = `expected Issuer value ${quoted(entityId)}, got ${quoted(named)}`;
    throw new SamlRefusal("saml.logout.issuer", because, "SAML Profiles §4.4.4.1");
  }
  const issued = instantOf(request, "IssueInstant");
  const reason = untimely(request, moment);
  const isOld = issued === undefined || Math.abs(moment.now - issued) > logoutLifetime + moment.skew;
  if (reason === undefined && !isOld) return;
  throw new SamlRefusal("saml.logout.time", reason ?? "it was not issued just now", "SAML Core §3.7.1");
}

function nameIdOf(request: XmlElement): string {
  const [nameId, ...more] = childrenOf(request, ns.assertion, "NameID");
  const text = nameId === undefined ? "" : textOf(nameId);
  if (nameId === undefined || more.length > 0 || nameId.children.some(isElement) || text.trim() === "") {
    throw new SamlRefusal("saml.logout.name_id", "not exactly one NameID with a value", "SAML Core §3.7.1");
  }
  return text;
}

export interface LogoutResponse {
  readonly id: string;
  readonly now: number;
  readonly destination: string;
  readonly entityIssuer: string;
  readonly inResponseTo: string;
  readonly relayState: string | undefined;
}

/** Tells the upstream that its logout was heard. SAML Core §3.7.2. */
export const logoutResponse = (response: LogoutResponse): Outgoing => ({
  field: "SAMLResponse",
  relayState: response.relayState,
  write: (signature) =>
    xml`<samlp:LogoutResponse xmlns:samlp="${ns.protocol}" ID="${response.id}" Version="2.0" IssueInstant="${writeInstant(response.now)}" Destination="${response.destination}" InResponseTo="${response.inResponseTo}">${issuerOf(response.entityIssuer)}${signature}<samlp:Status><samlp:StatusCode Value="${statusPrefix}Success"/></samlp:Status></samlp:LogoutResponse>`,
});
