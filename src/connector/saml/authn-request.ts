import { writeInstant } from "./instant.ts";
import { bindings, ns } from "./names.ts";
import type { Outgoing } from "./sign-message.ts";
import { noXml, xml } from "./xml/xml-text.ts";

/** What we ask for. SAML Core §3.4.1. */
export interface AuthnRequest {
  readonly id: string;
  readonly issuedAt: number;
  readonly destination: string;
  readonly acsUrl: string;
  /** Empty: not said. compat(dex): then no Issuer is sent, though SAML Profiles §4.1.4.1 wants one. */
  readonly entityIssuer: string;
  readonly nameIdFormat: string;
  readonly forceAuthn: boolean;
  readonly authnContexts: readonly string[];
  readonly authnContextComparison: string;
  readonly relayState: string;
}

export const authnRequest = (request: AuthnRequest): Outgoing => ({
  field: "SAMLRequest",
  relayState: request.relayState,
  // The schema's order: Issuer, Signature, NameIDPolicy, RequestedAuthnContext.
  write: (signature) =>
    xml`<samlp:AuthnRequest xmlns:samlp="${ns.protocol}" ID="${request.id}" Version="2.0" IssueInstant="${writeInstant(request.issuedAt)}" Destination="${request.destination}"${request.forceAuthn ? xml` ForceAuthn="true"` : noXml} ProtocolBinding="${bindings.post}" AssertionConsumerServiceURL="${request.acsUrl}">${issuerOf(request.entityIssuer)}${signature}<samlp:NameIDPolicy Format="${request.nameIdFormat}" AllowCreate="true"/>${contextsOf(request)}</samlp:AuthnRequest>`,
});

export const issuerOf = (entity: string) =>
  entity === "" ? noXml : xml`<saml:Issuer xmlns:saml="${ns.assertion}">${entity}</saml:Issuer>`;

function contextsOf({ authnContexts, authnContextComparison }: AuthnRequest) {
  if (authnContexts.length === 0) return noXml;
  const references = authnContexts.map(
    (context) => xml`<saml:AuthnContextClassRef xmlns:saml="${ns.assertion}">${context}</saml:AuthnContextClassRef>`,
  );
  return xml`<samlp:RequestedAuthnContext Comparison="${authnContextComparison}">${references}</samlp:RequestedAuthnContext>`;
}
