/**
 * SAML 2.0, as a service provider: the person is sent to an identity provider with a request and comes back with a
 * form that holds its signed answer. This folder owns the messages; what a message must prove is in `read-response.ts`
 * (whose word it is) and `check-response.ts` (whether it answers us), and both end in a {@link SamlRefusal} by name.
 * SAML Profiles §4.1, §4.4.
 */
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { parseDuration } from "../../kernel/duration.ts";
import type { Trail } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import {
  type Callback,
  type ConnectorDeps,
  type Departure,
  defineConnector,
  type EndedUpstream,
  type Login,
  type LoginResult,
  type StateMaker,
  type UpstreamLogout,
} from "../contract.ts";
import { authnRequest } from "./authn-request.ts";
import { unpackIdentity } from "./cached-identity.ts";
import { checkResponse, type Expected, StatusRefusal } from "./check-response.ts";
import { nameIdFormatOf, type SamlKeys, samlConfig } from "./config.ts";
import { createDecryptor, type Decryptor } from "./decrypt-assertion.ts";
import type { Endpoint, Idp, IdpSource } from "./idp.ts";
import { hearLogoutRequest, logoutLifetime, logoutRequest, logoutResponse } from "./logout.ts";
import { mapIdentity } from "./map-identity.ts";
import { persistentFormat, transientFormat } from "./names.ts";
import { openIdp } from "./open-idp.ts";
import { readCertificate, readPrivateKey } from "./pem.ts";
import { readResponse, type VerifiedResponse } from "./read-response.ts";
import { SamlRefusal } from "./refusal.ts";
import { createReplayCache, type ReplayCache } from "./replay-cache.ts";
import { type Outgoing, postMessage, redirectMessage, type SigningKey } from "./sign-message.ts";
import { attributeOf } from "./xml/tree.ts";

/** An open connector's parts. */
interface Parts {
  readonly config: SamlKeys;
  readonly deps: ConnectorDeps;
  readonly idp: IdpSource;
  readonly signing: SigningKey | undefined;
  readonly decrypt: Decryptor;
  readonly replays: ReplayCache;
  readonly skew: number;
}

export const saml = defineConnector({
  type: "saml",
  config: samlConfig,
  about: { refresh: true, groups: true, preferredUsername: true, logout: true, tokenExchange: false, status: "stable" },
  open: async (config, deps) => {
    const parts = await openParts(config, deps);
    return {
      kind: "redirect" as const,
      returnsBy: "post" as const,
      begin: (_callback, state, login) => begin(parts, state, login),
      finish: (callback, remember, login) => finish(parts, callback, remember, login),
      logout: (request, { trail, signal }) => logout(parts, request, trail, signal),
      hearLogout: (message, { trail, signal }) => hearLogout(parts, message, trail, signal),
      refresh: async (identity, login) => refresh(identity.connectorData, login),
      close: async () => parts.idp.close(),
    };
  },
});

async function openParts(config: SamlKeys, deps: ConnectorDeps): Promise<Parts> {
  const key = config.privateKey === "" ? undefined : await readPrivateKey(config.privateKey);
  const previous = await Promise.all(config.previousPrivateKeys.map(readPrivateKey));
  if (config.insecureSkipSignatureValidation)
    deps.logger.warn("saml signatures are not verified: anybody can sign in as anybody");
  if (config.insecureAllowSHA1) deps.logger.warn("saml signatures with SHA-1 are taken: they have been forged");
  return {
    config,
    deps,
    signing: key === undefined || config.signRequests === false ? undefined : await signingKey(key, config),
    decrypt: createDecryptor(key === undefined ? previous : [key, ...previous]),
    replays: createReplayCache(deps.clock),
    skew: parseDuration(config.clockSkew || "30s"),
    idp: await openIdp(config, deps),
  };
}

const signingKey = async (key: KeyObject, { certificate }: SamlKeys): Promise<SigningKey> => ({
  key,
  certificate: certificate === "" ? undefined : await readCertificate(certificate),
});

/** What comes back with the browser, sealed. */
const remembered = z.object({ id: z.string(), at: z.number() });

async function begin(parts: Parts, state: StateMaker, login: Login): Promise<Departure> {
  const { config, deps } = parts;
  const { sso } = await parts.idp.current(login.signal);
  const issuedAt = deps.clock.now();
  const id = newId(deps);
  const request = authnRequest({
    id,
    issuedAt,
    destination: sso.url.href,
    acsUrl: config.redirectURI,
    entityIssuer: config.entityIssuer,
    nameIdFormat: nameIdFormatOf(config.nameIDPolicyFormat) ?? persistentFormat,
    forceAuthn: config.forceAuthn,
    authnContexts: config.authnContextClassRefs,
    authnContextComparison: config.authnContextComparison || "exact",
    relayState: state(new Secret(JSON.stringify({ id, at: issuedAt })), "short"),
  });
  return send(sso, request, parts);
}

/** 160 bits after an underscore, since an XML ID is a name. SAML Core §1.3.4. */
const newId = ({ random }: ConnectorDeps): string => `_${Buffer.from(random.bytes(20)).toString("hex")}`;

const send = ({ binding, url }: Endpoint, message: Outgoing, { signing }: Parts): Promise<Departure> =>
  (binding === "post" ? postMessage : redirectMessage)(url, message, signing);

/** Single logout, begun by us. An unsigned request would be nobody's: without a key there is none. */
async function logout(
  parts: Parts,
  request: UpstreamLogout,
  trail: Trail,
  signal: AbortSignal,
): Promise<Departure | undefined> {
  const { slo } = await parts.idp.current(signal);
  if (slo === undefined || parts.signing === undefined) {
    const because = slo === undefined ? "no single logout address is known" : "there is no privateKey to sign with";
    trail.note({ check: "saml.logout.possible", outcome: "skip", because, spec: "SAML Profiles §4.4" });
    return undefined;
  }
  const { config, deps } = parts;
  const message = logoutRequest({
    id: newId(deps),
    now: deps.clock.now(),
    destination: slo.url.href,
    entityIssuer: config.entityIssuer,
    nameId: unpackIdentity(request.connectorData?.reveal()).nameId,
    logout: request,
  });
  return send(slo, message, parts);
}

/** Single logout, begun at the upstream or by another service. */
async function hearLogout(parts: Parts, message: Callback, trail: Trail, signal: AbortSignal): Promise<EndedUpstream> {
  const { config, deps, skew } = parts;
  const idp = await parts.idp.current(signal);
  const policy = { keys: idp.keys, now: deps.clock.now(), allowsSha1: config.insecureAllowSHA1 };
  try {
    const { id, ended, relayState } = await hearLogoutRequest(message, idp, policy, skew);
    if (!parts.replays.claim(`logout ${id}`, policy.now + 2 * logoutLifetime)) {
      throw new SamlRefusal("saml.logout.replay", "this request was used before", "SAML Core §3.7.1");
    }
    if (idp.slo === undefined) return ended;
    const { url, responseUrl = url, binding } = idp.slo;
    const response = logoutResponse({
      id: newId(deps),
      now: policy.now,
      destination: responseUrl.href,
      entityIssuer: config.entityIssuer,
      inResponseTo: id,
      relayState,
    });
    return { ...ended, answer: await send({ url: responseUrl, binding }, response, parts) };
  } catch (error) {
    if (error instanceof SamlRefusal) noteRefusal(error, trail);
    throw error;
  }
}

function noteRefusal({ check, because, spec }: SamlRefusal, trail: Trail): void {
  trail.note({ check, outcome: "fail", because, ...(spec === undefined ? {} : { spec }) });
}

async function finish(
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
  const { id, at } = remembered.parse(JSON.parse(remember.reveal()));
  const { verified, idp } = await verify(parts, encoded, login);
  const checked = checkResponse(verified, expectedOf(parts, idp, id, at));
  // Both at once: neither the assertion nor the request may be used again.
  const isFirst = replays.claim(`assertion ${checked.assertionId}`, checked.usableUntil);
  if (!replays.claim(`request ${id}`, Number.POSITIVE_INFINITY) || !isFirst) {
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

const expectedOf = ({ config, deps, skew }: Parts, idp: Idp, requestId: string, requestedAt: number): Expected => ({
  requestId,
  requestedAt,
  now: deps.clock.now(),
  skew,
  acsUrl: config.redirectURI,
  audience: config.entityIssuer || config.redirectURI,
  issuer: idp.entityId,
  allowsMissing: config.insecureAllowMissingRestrictions,
  forceAuthn: config.forceAuthn,
  authnContexts: ["", "exact"].includes(config.authnContextComparison) ? config.authnContextClassRefs : [],
});

/** compat(dex): the identity of the login, since SAML has no way to ask again. */
function refresh(connectorData: Secret<Uint8Array> | undefined, { scopes }: Login): LoginResult {
  const { nameId: _, groups, preferredUsername, ...cached } = unpackIdentity(connectorData?.reveal());
  return {
    ok: true,
    identity: {
      ...cached,
      groups: scopes.groups ? groups : [],
      ...(preferredUsername === "" ? {} : { preferredUsername }),
    },
  };
}
