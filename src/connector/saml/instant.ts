import { quoted, SamlRefusal } from "./refusal.ts";
import { attributeOf, type XmlElement } from "./xml/tree.ts";

const form = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,20})?Z$/;

/**
 * The time that an attribute holds, in milliseconds since the epoch; undefined when it is absent. SAML times are in
 * UTC, and we take no other. SAML Core §1.3.3. @throws {SamlRefusal}
 */
export function instantOf(element: XmlElement, local: string): number | undefined {
  const text = attributeOf(element, local);
  if (text === undefined) return undefined;
  const time = form.test(text) ? Date.parse(text) : Number.NaN;
  // `Date.parse` takes 30 February for 2 March; what it prints again tells.
  if (Number.isNaN(time) || writeInstant(time).slice(0, 19) !== text.slice(0, 19)) {
    throw new SamlRefusal("saml.time.form", `${element.local} ${local} is ${quoted(text)}`, "SAML Core §1.3.3");
  }
  return time;
}

/** compat(dex): seconds and a `Z`. */
export const writeInstant = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");

/** When something counts. `skew`: milliseconds that the two clocks may differ by. */
export interface Moment {
  readonly now: number;
  readonly skew: number;
}

/** Why the element's NotBefore and NotOnOrAfter forbid `now`, or undefined. SAML Core §2.5.1.2. */
export function untimely(element: XmlElement, { now, skew }: Moment): string | undefined {
  const notBefore = instantOf(element, "NotBefore");
  const notOnOrAfter = instantOf(element, "NotOnOrAfter");
  const at = `at ${new Date(now).toISOString()}`;
  if (notBefore !== undefined && now + skew < notBefore) {
    return `${at}: it counts from ${new Date(notBefore).toISOString()} on`;
  }
  if (notOnOrAfter !== undefined && now - skew >= notOnOrAfter) {
    return `${at}: it expired at ${new Date(notOnOrAfter).toISOString()}`;
  }
  return undefined;
}
