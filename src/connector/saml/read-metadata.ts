import { decodeWrappedBase64 } from "./base64.ts";
import type { Endpoint, Idp } from "./idp.ts";
import { instantOf } from "./instant.ts";
import { bindings, ns } from "./names.ts";
import { quoted } from "./refusal.ts";
import { listedKey, type TrustedKey } from "./trusted-keys.ts";
import { verifySignature } from "./verify-signature.ts";
import { parseXml } from "./xml/parse-xml.ts";
import { attributeOf, childrenOf, isNamed, textOf, type XmlElement } from "./xml/tree.ts";

export interface MetadataPolicy {
  /** Who must have signed it; undefined: nobody need have. */
  readonly signers: readonly TrustedKey[] | undefined;
  /** Which of several entities; undefined where there is but one identity provider. */
  readonly entityId: string | undefined;
  /** Undefined: the best that the metadata offers. */
  readonly ssoBinding: "post" | "redirect" | undefined;
  readonly sloBinding: "post" | "redirect" | undefined;
  readonly allowsSha1: boolean;
  readonly now: number;
}

/** What the metadata says of one identity provider. SAML Metadata §2. @throws {Error} It says nothing that we can use. */
export function readMetadata(bytes: Uint8Array, policy: MetadataPolicy): Idp {
  // Published files carry comments; canonicalisation drops them as we do, so a signature holds without them.
  const root = parseXml(new TextDecoder("utf-8", { fatal: true }).decode(bytes), { comments: "drop" });
  const entity = entityOf(verified(root, policy), policy);
  const [role] = childrenOf(entity, ns.metadata, "IDPSSODescriptor");
  if (role === undefined) throw new Error("the metadata describes no identity provider");
  const keys = keysOf(role);
  if (keys.length === 0) throw new Error("the metadata lists no signing key");
  const sso = endpointOf(role, "SingleSignOnService", policy.ssoBinding);
  if (sso === undefined) throw new Error("the metadata names no single sign-on address with a binding that we speak");
  const slo = endpointOf(role, "SingleLogoutService", policy.sloBinding);
  const wantsSignedRequests = ["true", "1"].includes(attributeOf(role, "WantAuthnRequestsSigned") ?? "");
  return { entityId: attributeOf(entity, "entityID"), sso, slo, keys, wantsSignedRequests };
}

function verified(root: XmlElement, { signers, now, allowsSha1 }: MetadataPolicy): XmlElement {
  if (signers === undefined) return root;
  const signed = verifySignature(root, { keys: signers, now, allowsSha1 });
  if (signed === undefined) throw new Error("the metadata is not signed");
  return signed.element;
}

function entityOf(root: XmlElement, { entityId, now }: MetadataPolicy): XmlElement {
  refuseStale(root, now);
  if (isNamed(root, ns.metadata, "EntityDescriptor")) return checkEntity(root, entityId);
  if (!isNamed(root, ns.metadata, "EntitiesDescriptor")) throw new Error(`it is a ${quoted(root.name)}, no metadata`);
  const idps = childrenOf(root, ns.metadata, "EntityDescriptor").filter(
    (entity) => childrenOf(entity, ns.metadata, "IDPSSODescriptor").length > 0,
  );
  const matching =
    entityId === undefined ? idps : idps.filter((entity) => attributeOf(entity, "entityID") === entityId);
  const [entity, ...more] = matching;
  if (entity === undefined) throw new Error(`the metadata does not describe ${quoted(entityId)}`);
  if (more.length > 0) throw new Error("the metadata describes several identity providers; name one in ssoIssuer");
  refuseStale(entity, now);
  return entity;
}

function checkEntity(entity: XmlElement, entityId: string | undefined): XmlElement {
  const named = attributeOf(entity, "entityID");
  if (entityId === undefined || named === entityId) return entity;
  throw new Error(`the metadata describes ${quoted(named)}, and ssoIssuer is ${quoted(entityId)}`);
}

function refuseStale(element: XmlElement, now: number): void {
  const until = instantOf(element, "validUntil");
  if (until !== undefined && now >= until)
    throw new Error(`the metadata was valid until ${new Date(until).toISOString()}`);
}

/** A key without a use signs, too. SAML Metadata §2.4.1.1. */
const keysOf = (role: XmlElement): readonly TrustedKey[] =>
  childrenOf(role, ns.metadata, "KeyDescriptor")
    .filter((descriptor) => attributeOf(descriptor, "use") !== "encryption")
    .flatMap((descriptor) => childrenOf(descriptor, ns.signature, "KeyInfo"))
    .flatMap((info) => childrenOf(info, ns.signature, "X509Data"))
    .flatMap((data) => childrenOf(data, ns.signature, "X509Certificate"))
    .map((certificate) => {
      const der = decodeWrappedBase64(textOf(certificate));
      if (der === undefined) throw new Error("a certificate in the metadata is no base64");
      return listedKey(der);
    });

const preference = ["post", "redirect"] as const;

function endpointOf(role: XmlElement, local: string, wanted: Endpoint["binding"] | undefined): Endpoint | undefined {
  const services = childrenOf(role, ns.metadata, local);
  for (const binding of wanted === undefined ? preference : [wanted]) {
    const service = services.find((each) => attributeOf(each, "Binding") === bindings[binding]);
    const location = service === undefined ? undefined : webAddress(attributeOf(service, "Location"));
    if (service === undefined || location === undefined) continue;
    const response = webAddress(attributeOf(service, "ResponseLocation"));
    return { url: location, binding, ...(response === undefined ? {} : { responseUrl: response }) };
  }
  return undefined;
}

/** No other scheme: the browser is sent there. */
function webAddress(location: string | undefined): URL | undefined {
  const url = location !== undefined && URL.canParse(location) ? new URL(location) : undefined;
  return url?.protocol === "https:" || url?.protocol === "http:" ? url : undefined;
}
