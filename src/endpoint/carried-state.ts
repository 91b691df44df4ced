import type { CarriedState } from "../flow/contract.ts";
import { isStateHandle } from "../flow/sealed-request.ts";
import type { HttpRequest } from "../http/contract.ts";
import { setCookie } from "../http/cookies.ts";

/**
 * The cookie that carries a sealed state whose handle alone fits into the address: SAML's RelayState has 80 bytes
 * (SAML Bindings §3.4.3). It is as sealed and as bound to this browser as a state in an address.
 */
const nameOf = (handle: string): string => `dex_state_${handle}`;

interface Place {
  readonly issuer: string;
  readonly issuerPath: string;
}

/** @throws {TypeError} The handle is none of ours. */
export function stateCookie({ handle, sealed }: CarriedState, { issuer, issuerPath }: Place, maxAge: number): string {
  return setCookie(nameOf(handle), sealed, {
    path: `${issuerPath}/callback`,
    maxAge,
    httpOnly: true,
    secure: issuer.startsWith("https:"),
    sameSite: "Lax",
  });
}

/** The sealed state behind `state`, itself where it is one. Undefined: it stayed with a browser that is not here. */
export function wholeState(state: string, request: HttpRequest): string | undefined {
  return isStateHandle(state) ? request.cookies[nameOf(state)] : state;
}
