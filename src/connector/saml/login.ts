import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import type { Callback, Departure, Login, LoginResult, StateMaker } from "../contract.ts";
import { authnRequest } from "./authn-request.ts";
import { checkResponse, type Expected, StatusRefusal } from "./check-response.ts";
import { nameIdFormatOf } from "./config.ts";
import type { Idp } from "./idp.ts";
import { mapIdentity } from "./map-identity.ts";
import { persistentFormat, transientFormat } from "./names.ts";
import { newId, noteRefusal, type Parts, send } from "./parts.ts";
import { readResponse, type VerifiedResponse } from "./read-response.ts";
import { SamlRefusal } from "./refusal.ts";
import { attributeOf } from "./xml/tree.ts";

/** What comes back with the browser, sealed. */
const remembered = z.object({ id: z.string(), at: z.number(), forceAuthn: z.boolean().optional() });

/** Sends the person away with a request. SAML Profiles §4.1.4.1. */
export async function begin(parts: Parts, state: StateMaker, login: Login): Promise<Departure> {
  const { config, deps } = parts;
  const { sso } = await parts.idp.current(login.signal);
  const issuedAt = deps.clock.now();
  const id = newId(deps);
  const forceAuthn = config.forceAuthn || login.wishes?.mustProve === true;
  const request = authnRequest({
    id,
    issuedAt,
    destination: sso.url.href,
    acsUrl: config.redirectURI,
    entityIssuer: config.entityIssuer,
    nameIdFormat: nameIdFormatOf(config.nameIDPolicyFormat) ?? persistentFormat,
    forceAuthn,
    authnContexts: config.authnContextClassRefs,
    authnContextComparison: config.authnContextComparison || "exact",
    relayState: state(new Secret(JSON.stringify({ id, at: issuedAt, forceAuthn })), "short"),
  });
  return send(sso, request, parts);
}

/** Believes what they bring back, or says which check it failed. SAML Profiles §4.1.4.3. */
export async function finish(
  parts: Parts,
  callback: Callback,
  remember: Secret | undefined,
  login: Login,
): Promise<LoginResult> {
  try {
    return await believe(parts, callback, remember, login);
  } catch (error) {
    if (!(error instanceof SamlRefusal)) throw error;
    noteRefusal(error, login.trail);
    // The person was asked and the answer was no: that is the client's to hear, as with any upstream.
    if (error instanceof StatusRefusal && ["AuthnFailed", "RequestDenied"].includes(error.code)) {
      return { ok: false, reason: "cancelled" };
    }
    throw error;
  }
}

async function believe(
  parts: Parts,
  { form }: Callback,
  remember: Secret | undefined,
  login: Login,
): Promise<LoginResult> {
  const { config, deps, replays } = parts;
  const encoded = form.get("SAMLResponse");
  if (encoded === undefined || remember === undefined) {
    throw new SamlRefusal("saml.message.present", "there is no SAMLResponse", "SAML Bindings §3.5.4");
  }
  const request = remembered.parse(JSON.parse(remember.reveal()));
  const { verified, idp } = await verify(parts, encoded, login);
  const checked = checkResponse(verified, expectedOf(parts, idp, request));
  // Both at once: neither the assertion nor the request may be used again.
  const isFirst = replays.claim(`assertion ${checked.assertionId}`, checked.usableUntil);
  if (!replays.claim(`request ${request.id}`, Number.POSITIVE_INFINITY) || !isFirst) {
    throw new SamlRefusal("saml.assertion.replay", "this response was used before", "SAML Profiles §4.1.4.5");
  }
  login.trail.note({
    check: "saml.signature",
    outcome: "pass",
    because: verified.proof,
    spec: "SAML Profiles §4.1.4.5",
  });
  if (attributeOf(checked.nameId, "Format") === transientFormat) {
    deps.logger.warn(
      "saml: the identity provider names people anew at each login (transient NameID), so each login is another user",
    );
  }
  const keepsNameId = idp.slo !== undefined;
  return mapIdentity(checked, config, login.scopes.groups, keepsNameId);
}

/** With the keys that are known, and once more where metadata may list a new one. */
async function verify(parts: Parts, encoded: string, login: Login): Promise<{ verified: VerifiedResponse; idp: Idp }> {
  const idp = await parts.idp.current(login.signal);
  try {
    return { verified: await readWith(parts, idp, encoded), idp };
  } catch (error) {
    if (!(error instanceof SamlRefusal) || error.check !== "saml.signature.key") throw error;
    const again = await parts.idp.reread(login.signal);
    if (again === undefined) throw error;
    return { verified: await readWith(parts, again, encoded), idp: again };
  }
}

const readWith = ({ config, deps, decrypt }: Parts, { keys }: Idp, encoded: string): Promise<VerifiedResponse> =>
  readResponse(encoded, {
    decrypt,
    signatures: config.insecureSkipSignatureValidation
      ? undefined
      : { keys, now: deps.clock.now(), allowsSha1: config.insecureAllowSHA1 },
  });

const expectedOf = ({ config, deps, skew }: Parts, idp: Idp, request: z.output<typeof remembered>): Expected => ({
  requestId: request.id,
  requestedAt: request.at,
  now: deps.clock.now(),
  skew,
  acsUrl: config.redirectURI,
  audience: config.entityIssuer || config.redirectURI,
  issuer: idp.entityId,
  allowsMissing: config.insecureAllowMissingRestrictions,
  forceAuthn: config.forceAuthn || request.forceAuthn === true,
  authnContexts: ["", "exact"].includes(config.authnContextComparison) ? config.authnContextClassRefs : [],
});
