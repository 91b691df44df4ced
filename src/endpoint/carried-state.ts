import type { CarriedState } from "../flow/contract.ts";
import { isStateHandle } from "../flow/sealed-request.ts";
import { type HttpRequest, PageError } from "../http/contract.ts";
import { setCookie } from "../http/cookies.ts";

/**
 * The cookies that carry a sealed state whose handle alone fits into the address: SAML's RelayState has 80 bytes
 * (SAML Bindings §3.4.3). It is as sealed and as bound to this browser as a state in an address. A long one (the
 * client's own `state` is in it) takes several cookies, since browsers drop what is longer than 4096 bytes.
 */
const prefix = "dex_state_";
const pieceLength = 3_800;
const mostPieces = 4;

/**
 * Logins that a browser has under way, those it gave up included. More would grow the header of every request until a
 * proxy refuses it (nginx: 8 KiB), so the oldest go: browsers send cookies of one path in the order of their making
 * (RFC 6265 §5.4).
 */
const mostLogins = 4;
/** Dropped by one answer: an answer has a size, too. */
const mostDropped = 32;

const nameOf = (handle: string, piece: number): string => prefix + handle + (piece === 0 ? "" : `.${piece}`);
const handleIn = (name: string): string | undefined => /^dex_state_([\w-]{22})(?:\.\d)?$/.exec(name)?.[1];

export interface Place {
  readonly issuer: string;
  readonly issuerPath: string;
}

const attributes = ({ issuer, issuerPath }: Place, maxAge: number) =>
  ({
    // Not the callback's path alone: where a login begins, the older ones must be seen to be dropped.
    path: issuerPath === "" ? "/" : issuerPath,
    maxAge,
    httpOnly: true,
    secure: issuer.startsWith("https:"),
    sameSite: "Lax",
  }) as const;

/** What sets the state's cookies, and drops those of the oldest logins. @throws {PageError} The client's own part of it is longer than cookies can be. */
export function carryState(
  { handle, sealed }: CarriedState,
  request: Pick<HttpRequest, "cookies">,
  place: Place,
  maxAge: number,
): readonly string[] {
  const pieces = Math.ceil(sealed.length / pieceLength);
  if (pieces > mostPieces) throw new PageError(413, "refusal.unreadable");
  const known = namesByHandle(request);
  const oldest = [...known.values()].slice(0, Math.max(0, known.size - mostLogins + 1));
  return [
    ...oldest.slice(0, mostDropped).flatMap((names) => names.map((name) => dropCookie(name, place))),
    ...Array.from({ length: pieces }, (_, piece) =>
      setCookie(
        nameOf(handle, piece),
        sealed.slice(piece * pieceLength, (piece + 1) * pieceLength),
        attributes(place, maxAge),
      ),
    ),
  ];
}

/** The names of the cookies of each state, in one pass: a header may hold thousands that no browser made. */
function namesByHandle({ cookies }: Pick<HttpRequest, "cookies">): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const name of Object.keys(cookies)) {
    const handle = handleIn(name);
    if (handle === undefined) continue;
    const known = names.get(handle);
    if (known === undefined) names.set(handle, [name]);
    else known.push(name);
  }
  return names;
}

const dropCookie = (name: string, place: Place): string => setCookie(name, "", attributes(place, 0));

/** What drops the cookies of the state behind `state`, for a login that is over. */
export const dropState = (state: string, request: Pick<HttpRequest, "cookies">, place: Place): readonly string[] =>
  (namesByHandle(request).get(state) ?? []).map((name) => dropCookie(name, place));

/** The sealed state behind `state`, itself where it is one. Undefined: it stayed with a browser that is not here. */
export function wholeState(state: string, { cookies }: Pick<HttpRequest, "cookies">): string | undefined {
  if (!isStateHandle(state)) return state;
  const pieces = Array.from({ length: mostPieces }, (_, piece) => cookies[nameOf(state, piece)] ?? "");
  // A piece that is missing breaks the seal.
  return pieces[0] === "" ? undefined : pieces.join("");
}
