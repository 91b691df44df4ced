/** The few LDAP messages that a login needs, and nothing else. RFC 4511 §4; numbers are its tags. */
import type { Secret } from "../../../kernel/secret.ts";
import { BerError, BerReader, boolean, element, integer, octets, sequence, tags, utf8Of } from "./ber.ts";

export interface Control {
  readonly oid: string;
  readonly value?: Uint8Array;
}

export const oids = {
  pagedResults: "1.2.840.113556.1.4.319",
  passwordPolicy: "1.3.6.1.4.1.42.2.27.8.5.1",
  startTls: "1.3.6.1.4.1.1466.20037",
  activeDirectory: "1.2.840.113556.1.4.800",
  matchingRuleInChain: "1.2.840.113556.1.4.1941",
} as const;

export interface SearchRequest {
  readonly base: string;
  readonly scope: "base" | "one" | "sub";
  /** Already encoded: see `filter.ts`. */
  readonly filter: Uint8Array;
  readonly attributes: readonly string[];
  /** Entries at the most; 0 for no limit. */
  readonly sizeLimit: number;
  /** Seconds that the server may take. */
  readonly timeLimit: number;
}

export interface Attribute {
  /** As the server spells it. */
  readonly name: string;
  readonly values: readonly Buffer[];
}

export interface Entry {
  readonly dn: string;
  readonly attributes: readonly Attribute[];
}

/** How an operation ended. RFC 4511 §4.1.9. */
export interface Result {
  readonly code: number;
  /** What the server says of it; may be anything. */
  readonly diagnostic: string;
}

export type Message = { readonly id: number; readonly controls: readonly Control[] } & (
  | { readonly kind: "bound" | "searched" | "extended"; readonly result: Result }
  | { readonly kind: "entry"; readonly entry: Entry }
  // Continuation references: never followed, since the credentials are for this server alone.
  | { readonly kind: "reference" }
);

const message = (id: number, operation: Uint8Array, controls: readonly Control[] = []): Buffer =>
  controls.length === 0
    ? sequence(integer(id), operation)
    : sequence(integer(id), operation, element(0xa0, ...controls.map(encodeControl)));

/** Never critical: a server that does not know a control goes on without it. */
const encodeControl = ({ oid, value }: Control): Buffer =>
  value === undefined ? sequence(octets(oid)) : sequence(octets(oid), octets(value));

/** Simple bind, version 3. §4.2. */
export const bindRequest = (id: number, dn: string, password: Secret, controls?: readonly Control[]): Buffer =>
  message(id, element(0x60, integer(3), octets(dn), octets(password.reveal(), 0x80)), controls);

const scopes = { base: 0, one: 1, sub: 2 } as const;

/** Aliases are never dereferenced. §4.5.1. */
export function searchRequest(id: number, request: SearchRequest, controls?: readonly Control[]): Buffer {
  const operation = element(
    0x63,
    octets(request.base),
    integer(scopes[request.scope], tags.enumerated),
    integer(0, tags.enumerated),
    integer(request.sizeLimit),
    integer(request.timeLimit),
    boolean(false),
    request.filter,
    sequence(...request.attributes.map((name) => octets(name))),
  );
  return message(id, operation, controls);
}

/** §4.14. */
export const startTlsRequest = (id: number): Buffer => message(id, element(0x77, octets(oids.startTls, 0x80)));

/** §4.3: the polite end. */
export const unbindRequest = (id: number): Buffer => message(id, element(0x42));

/** @throws {BerError} It is no answer that we could have asked for. */
export function decodeMessage(bytes: Buffer): Message {
  const outer = new BerReader(bytes);
  const reader = outer.enter();
  outer.end();
  const id = reader.integer();
  const tag = reader.nextTag;
  if (tag === undefined) throw new BerError("an empty message");
  const operation = reader.enter(tag);
  const controls = decodeControls(reader.optional(0xa0));
  reader.end();
  switch (tag) {
    case 0x61:
      return { id, controls, kind: "bound", result: decodeResult(operation) };
    case 0x64:
      return { id, controls, kind: "entry", entry: decodeEntry(operation) };
    case 0x65:
      return { id, controls, kind: "searched", result: decodeResult(operation) };
    case 0x73:
      return { id, controls, kind: "reference" };
    case 0x78:
      return { id, controls, kind: "extended", result: decodeResult(operation) };
    default:
      throw new BerError(`operation ${tag} was not asked for`);
  }
}

/** What may follow (a referral, SASL credentials, an extended value) is of no use here. */
function decodeResult(reader: BerReader): Result {
  const code = reader.integer(tags.enumerated);
  reader.octets();
  // A text for operators: better shown with holes than not at all.
  return { code, diagnostic: reader.octets().toString("utf8") };
}

function decodeEntry(reader: BerReader): Entry {
  const dn = reader.text();
  const attributes: Attribute[] = [];
  for (const list = reader.enter(); !list.isAtEnd; ) {
    const attribute = list.enter();
    const name = attribute.text();
    const values: Buffer[] = [];
    for (const set = attribute.enter(tags.set); !set.isAtEnd; ) values.push(set.octets());
    attribute.end();
    attributes.push({ name, values });
  }
  reader.end();
  return { dn, attributes };
}

function decodeControls(bytes: Buffer | undefined): readonly Control[] {
  const controls: Control[] = [];
  for (const list = new BerReader(bytes ?? Buffer.alloc(0)); !list.isAtEnd; ) {
    const control = list.enter();
    const oid = control.text();
    if (control.nextTag === tags.boolean) control.boolean();
    const value = control.optional(tags.octets);
    control.end();
    controls.push(value === undefined ? { oid } : { oid, value });
  }
  return controls;
}

/** RFC 2696 §2. */
export const pagedResults = (size: number, cookie: Uint8Array): Control => ({
  oid: oids.pagedResults,
  value: sequence(integer(size), octets(cookie)),
});

/** Where the next page begins; undefined when this was the last one, or the server knows no pages. */
export function nextPage(controls: readonly Control[]): Buffer | undefined {
  const value = controls.find(({ oid }) => oid === oids.pagedResults)?.value;
  if (value === undefined) return undefined;
  const reader = new BerReader(Buffer.from(value)).enter();
  reader.integer();
  const cookie = reader.octets();
  return cookie.length === 0 ? undefined : cookie;
}

export const passwordPolicyControl: Control = { oid: oids.passwordPolicy };

/** Why the server has something against a password. draft-behera-ldap-password-policy-10 §6.2. */
export function passwordPolicyError(controls: readonly Control[]): number | undefined {
  const value = controls.find(({ oid }) => oid === oids.passwordPolicy)?.value;
  if (value === undefined || value.length === 0) return undefined;
  const reader = new BerReader(Buffer.from(value)).enter();
  reader.optional(0xa0);
  return reader.nextTag === 0x81 ? reader.integer(0x81) : undefined;
}

/** An attribute's text, or undefined where its bytes are none. */
export const textOf = utf8Of;
