import { decodeTwoStrings, encodeTwoStrings } from "../kernel/two-strings.ts";

/**
 * This room turns an allowed issuance into claims, tokens and refresh secrets. It decides who may have
 * them (`authorize.ts`), what they say (`claims.ts`) and how they rotate (`refresh-rotation.ts`); all of
 * it is pure up to the signature.
 */

/** A person at one upstream; a client by itself has no connector. */
export interface Subject {
  readonly userId: string;
  readonly connectorId: string;
}

/** The `sub` claim. compat(dex): a protobuf of both ids, so that every `sub` of Dex stays what it was. OIDC Core §2. */
export const encodeSubject = (subject: Subject): string => encodeTwoStrings(subject.userId, subject.connectorId);

/** The subject behind a `sub` of ours, or undefined. */
export function decodeSubject(sub: string): Subject | undefined {
  const decoded = decodeTwoStrings(sub);
  return decoded === undefined ? undefined : { userId: decoded[0], connectorId: decoded[1] };
}
