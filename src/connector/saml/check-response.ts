import { instantOf, type Moment, untimely } from "./instant.ts";
import { bearer, entityFormat, ns, statusPrefix } from "./names.ts";
import type { VerifiedResponse } from "./read-response.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { attributeOf, childrenOf, isElement, textOf, type XmlElement } from "./xml/tree.ts";

/** What a response must say to be the answer to our request. */
export interface Expected extends Moment {
  readonly requestId: string;
  /** When we asked; milliseconds since the epoch. */
  readonly requestedAt: number;
  /** Our assertion consumer service: Destination and Recipient. */
  readonly acsUrl: string;
  readonly audience: string;
  /** Undefined: not configured, so any. */
  readonly issuer: string | undefined;
  /** `insecureAllowMissingRestrictions`: what is absent restricts nothing, as in Dex. What is there is checked all the same. */
  readonly allowsMissing: boolean;
  readonly forceAuthn: boolean;
  /** Empty: any. */
  readonly authnContexts: readonly string[];
}

/** What is known of the person once every check has passed. */
export interface Checked {
  readonly assertion: XmlElement;
  readonly assertionId: string;
  readonly nameId: XmlElement;
  /** Until when a second showing must be noticed; milliseconds since the epoch. */
  readonly usableUntil: number;
  readonly sessionIndex: string | undefined;
  readonly authnContext: string | undefined;
}

/** SAML Profiles §4.1.4.3, in its order. @throws {SamlRefusal} */
export function checkResponse(
  { envelope, isEnvelopeSigned, assertion }: VerifiedResponse,
  expected: Expected,
): Checked {
  checkEnvelope(envelope, isEnvelopeSigned, expected);
  if (assertion === undefined) {
    throw new SamlRefusal("saml.assertion.single", "response did not contain an assertion", "SAML Profiles §4.1.4.2");
  }
  checkIssuer(assertion, true, expected);
  const subject = onlyChild(assertion, "Subject", "saml.subject.present");
  const confirmedUntil = checkConfirmations(subject, expected);
  const conditionsUntil = checkConditions(assertion, expected);
  const nameId = nameIdOf(subject);
  return {
    assertion,
    assertionId: attributeOf(assertion, "ID") ?? "",
    nameId,
    usableUntil: Math.min(confirmedUntil, conditionsUntil) + expected.skew,
    ...checkAuthn(assertion, expected),
  };
}

/**
 * Of an unsigned Response these checks can be passed by anyone, and still they refuse what is openly not ours.
 * What is absent is missed only where a signature says that it was never there.
 */
function checkEnvelope(response: XmlElement, isSigned: boolean, expected: Expected): void {
  const mustHave = isSigned && !expected.allowsMissing;
  checkAddress(
    response,
    "InResponseTo",
    expected.requestId,
    isSigned,
    "saml.response.in_response_to",
    "SAML Core §3.2.2",
  );
  checkAddress(
    response,
    "Destination",
    expected.acsUrl,
    mustHave,
    "saml.response.destination",
    "SAML Bindings §3.5.5.2",
  );
  checkIssuer(response, mustHave, expected);
  checkStatus(response);
}

function checkAddress(
  element: XmlElement,
  attribute: string,
  wanted: string,
  mustHave: boolean,
  check: string,
  spec: string,
): void {
  const value = attributeOf(element, attribute);
  if (value === wanted || (value === undefined && !mustHave)) return;
  throw new SamlRefusal(check, `expected ${attribute} ${quoted(wanted)}, got ${quoted(value)}`, spec);
}

/** SAML Core §2.2.5, SAML Profiles §4.1.4.2. */
function checkIssuer(element: XmlElement, mustHave: boolean, { issuer: wanted }: Expected): void {
  if (wanted === undefined) return;
  const check = `saml.${element.local.toLowerCase()}.issuer`;
  const [issuer, ...more] = childrenOf(element, ns.assertion, "Issuer");
  if (issuer === undefined && !mustHave) return;
  const value = issuer === undefined ? undefined : textOf(issuer).trim();
  const format = issuer === undefined ? undefined : attributeOf(issuer, "Format");
  if (value !== wanted || more.length > 0 || (format !== undefined && format !== entityFormat)) {
    const because = `expected Issuer value ${quoted(wanted)}, got ${quoted(value)}`;
    throw new SamlRefusal(
      check,
      format === undefined ? because : `${because} of Format ${quoted(format)}`,
      "SAML Profiles §4.1.4.2",
    );
  }
}

/** The upstream's answer was no. */
export class StatusRefusal extends SamlRefusal {
  /** The last component of the second-level code, or of the first where there is none: `AuthnFailed`. */
  readonly code: string;

  constructor(code: string, message: string) {
    const because = `status code of the Response was not Success, was ${quoted(code)}${message === "" ? "" : ` -> ${quoted(message)}`}`;
    super("saml.response.status", because, "SAML Core §3.2.2.1");
    this.code = code;
  }
}

function checkStatus(response: XmlElement): void {
  const status = onlyChild(response, "Status", "saml.response.status", ns.protocol);
  const code = onlyChild(status, "StatusCode", "saml.response.status", ns.protocol);
  const top = attributeOf(code, "Value");
  if (top === `${statusPrefix}Success`) return;
  const [second] = childrenOf(code, ns.protocol, "StatusCode");
  const value = (second === undefined ? undefined : attributeOf(second, "Value")) ?? top ?? "";
  const [message] = childrenOf(status, ns.protocol, "StatusMessage");
  throw new StatusRefusal(value.slice(value.lastIndexOf(":") + 1), message === undefined ? "" : textOf(message));
}

/** One good confirmation suffices, and all of it must be good. Returns until when it counts. SAML Profiles §4.1.4.2. */
function checkConfirmations(subject: XmlElement, expected: Expected): number {
  const confirmations = childrenOf(subject, ns.assertion, "SubjectConfirmation");
  if (confirmations.length === 0) {
    throw new SamlRefusal(
      "saml.subject.confirmation",
      "subject contained no SubjectConfirmations",
      "SAML Profiles §4.1.4.2",
    );
  }
  const faults: SamlRefusal[] = [];
  for (const confirmation of confirmations) {
    try {
      return checkConfirmation(confirmation, expected);
    } catch (error) {
      if (!(error instanceof SamlRefusal)) throw error;
      faults.push(error);
    }
  }
  const [first = new SamlRefusal("saml.subject.confirmation", "none")] = faults;
  throw new SamlRefusal(first.check, faults.map(({ because }) => because).join("; "), first.spec);
}

function checkConfirmation(confirmation: XmlElement, expected: Expected): number {
  const refuse = (part: string, because: string): SamlRefusal =>
    new SamlRefusal(`saml.subject.${part}`, because, "SAML Profiles §4.1.4.2");
  const method = attributeOf(confirmation, "Method");
  if (method !== bearer) throw refuse("method", `unexpected subject confirmation method ${quoted(method)}`);
  const data = onlyChild(confirmation, "SubjectConfirmationData", "saml.subject.confirmation");
  // Always wanted: it ties the assertion to this very login.
  checkAddress(data, "InResponseTo", expected.requestId, true, "saml.subject.in_response_to", "SAML Profiles §4.1.4.2");
  checkAddress(
    data,
    "Recipient",
    expected.acsUrl,
    !expected.allowsMissing,
    "saml.subject.recipient",
    "SAML Profiles §4.1.4.2",
  );
  const reason = untimely(data, expected);
  if (reason !== undefined) throw refuse("time", reason);
  const until = instantOf(data, "NotOnOrAfter");
  if (until === undefined && !expected.allowsMissing) throw refuse("time", "no NotOnOrAfter");
  return until ?? Number.POSITIVE_INFINITY;
}

const understood = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];

/** Returns until when they hold. SAML Core §2.5.1. */
function checkConditions(assertion: XmlElement, expected: Expected): number {
  const found = childrenOf(assertion, ns.assertion, "Conditions");
  if (found.length === 0 && expected.allowsMissing) return Number.POSITIVE_INFINITY;
  const conditions = onlyChild(assertion, "Conditions", "saml.conditions.present");
  const reason = untimely(conditions, expected);
  if (reason !== undefined) throw new SamlRefusal("saml.conditions.time", reason, "SAML Core §2.5.1.2");
  // A condition that nobody here can judge leaves the assertion's validity open. SAML Core §2.5.1.1.
  const strange = childrenOf(conditions).find(
    (each) => each.namespace !== ns.assertion || !understood.includes(each.local),
  );
  if (strange !== undefined) {
    throw new SamlRefusal("saml.conditions.understood", `the condition ${quoted(strange.name)}`, "SAML Core §2.5.1.1");
  }
  checkAudience(conditions, expected);
  return instantOf(conditions, "NotOnOrAfter") ?? Number.POSITIVE_INFINITY;
}

/** Each restriction must name us, byte for byte. SAML Core §2.5.1.4. */
function checkAudience(conditions: XmlElement, { audience, allowsMissing }: Expected): void {
  const restrictions = childrenOf(conditions, ns.assertion, "AudienceRestriction");
  const refuse = (because: string): SamlRefusal =>
    new SamlRefusal("saml.conditions.audience", because, "SAML Core §2.5.1.4");
  if (restrictions.length === 0 && !allowsMissing) throw refuse("it is restricted to no audience");
  for (const restriction of restrictions) {
    const named = childrenOf(restriction, ns.assertion, "Audience").map(textOf);
    if (named.includes(audience)) continue;
    throw refuse(`required audience ${quoted(audience)} was not in Response audiences ${quoted(named.join(" "))}`);
  }
}

/** The name must be whole: one text, not half of one. CVE-2017-11428. */
function nameIdOf(subject: XmlElement): XmlElement {
  const refuse = (because: string): SamlRefusal => new SamlRefusal("saml.subject.name_id", because, "SAML Core §2.4.1");
  const [nameId, ...more] = childrenOf(subject).filter(({ local }) => /^(NameID|BaseID|EncryptedID)$/.test(local));
  if (nameId === undefined) throw refuse("subject does not contain an NameID element");
  if (more.length > 0) throw refuse("several identifiers of one subject");
  if (nameId.local !== "NameID" || nameId.namespace !== ns.assertion)
    throw refuse(`a ${nameId.local}, which is not supported`);
  if (nameId.children.some(isElement)) throw refuse("the NameID holds elements");
  if (textOf(nameId).trim() === "") throw refuse("element NameID does not contain a value");
  return nameId;
}

/** How and since when the upstream knows the person. SAML Core §2.7.2. */
function checkAuthn(assertion: XmlElement, expected: Expected): Pick<Checked, "sessionIndex" | "authnContext"> {
  const statements = childrenOf(assertion, ns.assertion, "AuthnStatement");
  for (const statement of statements) {
    const end = instantOf(statement, "SessionNotOnOrAfter");
    if (end === undefined || expected.now - expected.skew < end) continue;
    throw new SamlRefusal(
      "saml.authn.session",
      `the session ended at ${new Date(end).toISOString()}`,
      "SAML Core §2.7.2",
    );
  }
  const [statement] = statements;
  const context = statement === undefined ? undefined : contextOf(statement);
  if (expected.forceAuthn) checkFresh(statement, expected);
  if (expected.authnContexts.length > 0 && !expected.authnContexts.includes(context ?? "")) {
    const because = `${quoted(context)} is none of the contexts that were asked for`;
    throw new SamlRefusal("saml.authn.context", because, "SAML Core §3.3.2.2.1");
  }
  return {
    sessionIndex: statement === undefined ? undefined : attributeOf(statement, "SessionIndex"),
    authnContext: context,
  };
}

function contextOf(statement: XmlElement): string | undefined {
  const [context] = childrenOf(statement, ns.assertion, "AuthnContext");
  const [reference] = context === undefined ? [] : childrenOf(context, ns.assertion, "AuthnContextClassRef");
  return reference === undefined ? undefined : textOf(reference).trim();
}

/** ForceAuthn is a wish that an upstream may overlook; the time it says tells. SAML Core §3.4.1. */
function checkFresh(statement: XmlElement | undefined, { requestedAt, skew }: Expected): void {
  const instant = statement === undefined ? undefined : instantOf(statement, "AuthnInstant");
  if (instant !== undefined && instant + skew >= requestedAt) return;
  const since = instant === undefined ? "no AuthnInstant" : `authenticated at ${new Date(instant).toISOString()}`;
  throw new SamlRefusal("saml.authn.fresh", `${since}, before it was asked to anew`, "SAML Core §3.4.1");
}

function onlyChild(parent: XmlElement, local: string, check: string, namespace: string = ns.assertion): XmlElement {
  const [child, ...more] = childrenOf(parent, namespace, local);
  if (child === undefined) throw new SamlRefusal(check, `${parent.local} did not contain a ${local}`, "SAML Core §2");
  if (more.length > 0) throw new SamlRefusal(check, `${parent.local} contains more than one ${local}`, "SAML Core §2");
  return child;
}
