import { newUuid } from "../kernel/ids.ts";
import type { MintDeps } from "./id-token.ts";
import { encodeJwt } from "./jws.ts";
import { encodeSubject, type Subject } from "./subject.ts";

/** Seconds: long enough for a slow client and for clocks that differ. compat(dex). */
const lifetime = 120;

/**
 * What tells a client that a session has ended. Typed, so that nobody takes it for an ID token; and it has no nonce.
 * OIDC Back-Channel Logout §2.4. @throws {UnavailableError} No key can sign now.
 */
export async function logoutToken(
  subject: Subject,
  { clientId, sessionId }: { readonly clientId: string; readonly sessionId: string },
  { issuer, signer, clock, random }: Omit<MintDeps, "lifetime">,
): Promise<string> {
  const issuedAt = Math.floor(clock.now() / 1000);
  const payload = {
    iss: issuer,
    sub: encodeSubject(subject),
    aud: clientId,
    iat: issuedAt,
    exp: issuedAt + lifetime,
    jti: newUuid(random),
    sid: sessionId,
    events: { "http://schemas.openid.net/event/backchannel-logout": {} },
  };
  return encodeJwt(await signer.current(), JSON.stringify(payload), "logout+jwt");
}
