import { Secret } from "../kernel/secret.ts";
import { acr } from "../oauth/acr.ts";
import type { MfaSecret, UserIdentity, UserKey } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { FactorProof, TotpFactor } from "./factor-contract.ts";
import { base32, matchingCounter, seedLength, seedOf, seedUri } from "./totp.ts";

const prefix = "$e1$";
const atRest = "factor/totp";
const inForm = "factor/totp-enrolment";

/** A seed belongs to one person and one authenticator: moved to another record it opens nothing. */
const bindingOf = ({ userId, connectorId }: UserKey, factor: TotpFactor): string =>
  JSON.stringify([userId, connectorId, factor.id]);

type Deps = Pick<FlowDeps, "storage" | "sealer" | "clock" | "random">;

/** Dex wrote the address in clear; it is sealed when the factor is next used. */
function openSecret({ secret }: MfaSecret, user: UserKey, factor: TotpFactor, { sealer }: Deps): string | undefined {
  const stored = secret.reveal();
  return stored.startsWith(prefix) ? sealer.open(atRest, bindingOf(user, factor), stored.slice(prefix.length)) : stored;
}

const sealSecret = (uri: string, user: UserKey, factor: TotpFactor, { sealer }: Deps): Secret =>
  new Secret(prefix + sealer.seal(atRest, bindingOf(user, factor), uri));

/** A seed on its way into an app: nothing is stored until a code has come back. */
export interface TotpEnrolment {
  /** The `otpauth://` address. */
  readonly uri: string;
  readonly seed: string;
  /** The same for the form, readable to us alone. */
  readonly sealed: string;
}

/**
 * A fresh seed at each visit, bound to `place` (a login, a session): one that was shown before may have been shown to
 * somebody who knew the password (Dex keeps showing it).
 */
export function beginTotp(
  factor: TotpFactor,
  person: UserKey & { readonly email: string },
  place: string,
  deps: Deps,
): TotpEnrolment {
  const seed = base32(deps.random.bytes(seedLength));
  const uri = seedUri({ issuer: factor.issuer, seed }, person);
  return { uri, seed, sealed: deps.sealer.seal(inForm, placeOf(person, factor, place), uri) };
}

/** The enrolment that a form brings back; undefined: it is another person's, login's, or no seal of ours. */
export function resumeTotp(
  factor: TotpFactor,
  person: UserKey,
  place: string,
  sealed: string,
  deps: Deps,
): TotpEnrolment | undefined {
  const uri = deps.sealer.open(inForm, placeOf(person, factor, place), sealed);
  const seed = uri === undefined ? undefined : seedOf(uri);
  return uri === undefined || seed === undefined ? undefined : { uri, seed, sealed };
}

const placeOf = (user: UserKey, factor: TotpFactor, place: string): string => `${bindingOf(user, factor)} ${place}`;

/** An enrolment that Dex left open on `/mfa/totp` goes on with the seed that its page shows. compat(dex). */
export function dexEnrolment(
  factor: TotpFactor,
  secret: MfaSecret | undefined,
): Omit<TotpEnrolment, "sealed"> | undefined {
  if (secret === undefined || secret.confirmed || secret.type !== factor.type) return undefined;
  const uri = secret.secret.reveal();
  const seed = seedOf(uri);
  return seed === undefined ? undefined : { uri, seed };
}

const otp = () => import("otplib");

/**
 * Keeps the seed if `code` was made with it. Undefined: wrong code, or the person has such a factor by now. `mayAdd` is
 * asked of them as they are then.
 */
export async function confirmTotp(
  factor: TotpFactor,
  user: UserKey,
  { uri, seed }: Omit<TotpEnrolment, "sealed">,
  code: string,
  deps: Deps,
  mayAdd: (current: UserIdentity) => boolean = () => true,
): Promise<FactorProof | undefined> {
  const now = deps.clock.now();
  const counter = matchingCounter(await otp(), seed, code, { now, lastUsed: -1 });
  if (counter === undefined) return undefined;
  const kept: MfaSecret = {
    authenticatorId: factor.id,
    type: factor.type,
    secret: sealSecret(uri, user, factor, deps),
    confirmed: true,
    createdAt: now,
    lastUsedCounter: counter,
  };
  let isKept = false;
  await deps.storage.userIdentities.update(user, (current) => {
    // Two tabs that enrol at once: the first one's app is the one that counts.
    isKept = current.mfaSecrets[factor.id]?.confirmed !== true && mayAdd(current);
    return isKept ? { ...current, mfaSecrets: { ...current.mfaSecrets, [factor.id]: kept } } : current;
  });
  return isKept ? proofOf(factor) : undefined;
}

/** Spends a code. Of several requests with one code exactly one is proved: the step is compared and kept in one swap. */
export async function proveTotp(
  factor: TotpFactor,
  user: UserKey,
  code: string,
  deps: Deps,
): Promise<FactorProof | undefined> {
  const library = await otp();
  const now = deps.clock.now();
  let isProved = false;
  await deps.storage.userIdentities.update(user, (current) => {
    isProved = false;
    const secret = current.mfaSecrets[factor.id];
    if (secret?.confirmed !== true || secret.type !== factor.type) return current;
    const uri = openSecret(secret, user, factor, deps);
    const seed = uri === undefined ? undefined : seedOf(uri);
    if (uri === undefined || seed === undefined) return current;
    const counter = matchingCounter(library, seed, code, { now, lastUsed: secret.lastUsedCounter });
    if (counter === undefined) return current;
    isProved = true;
    const used = { ...secret, lastUsedCounter: counter, secret: sealSecret(uri, user, factor, deps) };
    return { ...current, mfaSecrets: { ...current.mfaSecrets, [factor.id]: used } };
  });
  return isProved ? proofOf(factor) : undefined;
}

const proofOf = ({ id }: TotpFactor): FactorProof => ({ factor: id, amr: ["otp"], contexts: [acr.multiFactor] });
