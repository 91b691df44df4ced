import type { Random } from "../kernel/ports.ts";
import { followTrace } from "../kernel/span.ts";
import type { NamedClaims } from "../oauth/claims-request.ts";
import type { FlowDeps, FlowRequest } from "./contract.ts";

/**
 * Where in its flow a sealed request may be opened. The step is part of the seal, so that a state made for
 * the password form is nothing at the callback, and neither is one of another connector.
 */
export type SealedStep = "login" | "callback";

/** A request on its way through one connector. */
export interface PendingLogin {
  readonly request: FlowRequest;
  readonly connectorId: string;
  /** What the connector asked us to remember. */
  readonly remember?: string;
}

const purposeOf = (step: SealedStep): string => `authorize/${step}`;

/** Seals `pending` for one step and one browser. @throws {Error} The browser has no secret: it must be given one first. */
export function sealPending(
  pending: PendingLogin,
  step: SealedStep,
  [browser]: readonly string[],
  deps: Pick<FlowDeps, "sealer">,
): string {
  if (browser === undefined) throw new Error("a request was to be sealed for a browser without a secret");
  return deps.sealer.seal(purposeOf(step), browser, JSON.stringify(toWire(pending)));
}

/** 128 bits, 22 characters: the name of a state that stays with the browser. */
export const newStateHandle = (random: Random): string => Buffer.from(random.bytes(16)).toString("base64url");

/** Whether `state` is a handle; a sealed state is longer and has a dot. */
export const isStateHandle = (state: string): boolean => /^[A-Za-z0-9_-]{22}$/.test(state);

export type OpenedPending =
  | { readonly ok: true; readonly pending: PendingLogin }
  | { readonly ok: false; readonly reason: "not_ours" | "expired" };

/** Opens what {@link sealPending} made, if this very browser brings it back in time. */
export function openPending(
  sealed: string,
  step: SealedStep,
  browsers: readonly string[],
  deps: Pick<FlowDeps, "sealer" | "clock">,
): OpenedPending {
  const opened = browsers.map((browser) => deps.sealer.open(purposeOf(step), browser, sealed));
  const text = opened.find((candidate) => candidate !== undefined);
  // The seal authenticates the text, so it is ours and needs no second schema.
  if (text === undefined) return { ok: false, reason: "not_ours" };
  const pending = fromWire(JSON.parse(text) as Wire);
  followTrace(pending.request.traceparent);
  return deps.clock.now() > pending.request.expiresAt ? { ok: false, reason: "expired" } : { ok: true, pending };
}

/** Short names and no empty members: the text travels in addresses. */
type Wire = readonly [version: 1, request: WireRequest, connectorId: string, remember?: string];

interface WireRequest {
  readonly f: string;
  readonly c: string;
  readonly u: string;
  readonly t: readonly string[];
  readonly o: readonly string[];
  readonly m: FlowRequest["responseMode"];
  readonly x: number;
  readonly s?: string;
  readonly n?: string;
  readonly k?: string;
  readonly h?: string;
  readonly p?: readonly string[];
  readonly a?: number;
  readonly l?: string;
  readonly L?: readonly string[];
  readonly C?: readonly [idToken: NamedClaims["idToken"], userinfo: NamedClaims["userinfo"]];
  readonly A?: readonly string[];
  readonly E?: true;
  readonly j?: string;
  readonly F?: true;
  readonly T?: string;
}

function toWire({ request, connectorId, remember }: PendingLogin): Wire {
  const wire: WireRequest = {
    f: request.flowId,
    c: request.clientId,
    u: request.redirectUri,
    t: request.responseTypes,
    o: request.scopes,
    m: request.responseMode,
    x: request.expiresAt,
    ...(request.state === undefined ? {} : { s: request.state }),
    ...(request.nonce === "" ? {} : { n: request.nonce }),
    ...(request.codeChallenge === "" ? {} : { k: request.codeChallenge, h: request.codeChallengeMethod }),
    ...(request.prompt.length === 0 ? {} : { p: request.prompt }),
    ...(request.maxAge === undefined ? {} : { a: request.maxAge }),
    ...(request.loginHint === undefined ? {} : { l: request.loginHint }),
    ...(request.uiLocales.length === 0 ? {} : { L: request.uiLocales }),
    ...(request.namedClaims === undefined ? {} : { C: [request.namedClaims.idToken, request.namedClaims.userinfo] }),
    ...(request.acrValues.length === 0 ? {} : { A: request.acrValues }),
    ...(request.acrIsEssential ? { E: true } : {}),
    ...(request.hintedSubject === undefined ? {} : { j: request.hintedSubject }),
    ...(request.forceConsent ? { F: true } : {}),
    ...(request.traceparent === undefined ? {} : { T: request.traceparent }),
  };
  return remember === undefined ? [1, wire, connectorId] : [1, wire, connectorId, remember];
}

function fromWire([, wire, connectorId, remember]: Wire): PendingLogin {
  const request: FlowRequest = {
    flowId: wire.f,
    clientId: wire.c,
    redirectUri: wire.u,
    responseTypes: wire.t,
    scopes: wire.o,
    responseMode: wire.m,
    expiresAt: wire.x,
    nonce: wire.n ?? "",
    codeChallenge: wire.k ?? "",
    codeChallengeMethod: wire.h ?? "",
    prompt: wire.p ?? [],
    uiLocales: wire.L ?? [],
    acrValues: wire.A ?? [],
    acrIsEssential: wire.E === true,
    forceConsent: wire.F === true,
    ...(wire.s === undefined ? {} : { state: wire.s }),
    ...(wire.a === undefined ? {} : { maxAge: wire.a }),
    ...(wire.l === undefined ? {} : { loginHint: wire.l }),
    ...(wire.C === undefined ? {} : { namedClaims: { idToken: wire.C[0], userinfo: wire.C[1] } }),
    ...(wire.j === undefined ? {} : { hintedSubject: wire.j }),
    ...(wire.T === undefined ? {} : { traceparent: wire.T }),
  };
  return { request, connectorId, ...(remember === undefined ? {} : { remember }) };
}
