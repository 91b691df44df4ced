import { Secret } from "../../kernel/secret.ts";
import type { Identity, LoginResult } from "../contract.ts";
import { type CachedIdentity, packIdentity } from "./cached-identity.ts";
import type { Checked } from "./check-response.ts";
import { ns } from "./names.ts";
import { quoted, SamlRefusal } from "./refusal.ts";
import { attributeOf, childrenOf, textOf, type XmlElement } from "./xml/tree.ts";

/** Which attributes become which claims. Names are compared exactly; FriendlyName is for people. */
export interface Mapping {
  readonly usernameAttr: string;
  readonly emailAttr: string;
  readonly preferredUsernameAttr: string;
  readonly groupsAttr: string;
  readonly groupsDelim: string;
  readonly allowedGroups: readonly string[];
  readonly filterGroups: boolean;
}

type Attributes = ReadonlyMap<string, readonly string[]>;

/** The person as the assertion describes them. compat(dex): connector/saml. @throws {SamlRefusal} An attribute is absent. */
export function mapIdentity(
  checked: Checked,
  mapping: Mapping,
  wantsGroups: boolean,
  keepsNameId: boolean,
): LoginResult {
  const attributes = attributesOf(checked.assertion);
  const email = required(attributes, mapping.emailAttr);
  const username = required(attributes, mapping.usernameAttr);
  const preferredUsername =
    mapping.preferredUsernameAttr === "" ? "" : (attributes.get(mapping.preferredUsernameAttr)?.[0] ?? "");
  const groups = groupsOf(attributes, mapping, wantsGroups);
  if (groups === undefined) return { ok: false, reason: "not_in_required_groups" };
  const { nameId, sessionIndex, authnContext } = checked;
  const cached: CachedIdentity = {
    userId: textOf(nameId),
    username,
    preferredUsername,
    email,
    emailVerified: true,
    groups,
  };
  const identity: Identity = {
    userId: cached.userId,
    username,
    email,
    emailVerified: true,
    groups,
    connectorData: new Secret(packIdentity(cached, keepsNameId ? nameIdOf(nameId) : undefined)),
    ...(preferredUsername === "" ? {} : { preferredUsername }),
    ...(authnContext === undefined ? {} : { acr: authnContext }),
    ...(sessionIndex === undefined ? {} : { upstreamSessionId: sessionIndex }),
  };
  return { ok: true, identity };
}

/** What a LogoutRequest must repeat besides the name itself. SAML Core §3.7.1. */
const nameIdOf = (nameId: XmlElement) => ({
  format: attributeOf(nameId, "Format"),
  nameQualifier: attributeOf(nameId, "NameQualifier"),
  spNameQualifier: attributeOf(nameId, "SPNameQualifier"),
});

/** Every value by its attribute's name, in document order; an attribute given twice has all its values. */
function attributesOf(assertion: XmlElement): Attributes {
  const statements = childrenOf(assertion, ns.assertion, "AttributeStatement");
  if (statements.length === 0) {
    throw new SamlRefusal(
      "saml.attribute.statement",
      "response did not contain a AttributeStatement",
      "SAML Core §2.7.3",
    );
  }
  const attributes = new Map<string, string[]>();
  for (const attribute of statements.flatMap((each) => childrenOf(each, ns.assertion, "Attribute"))) {
    const name = attributeOf(attribute, "Name") ?? "";
    const values = childrenOf(attribute, ns.assertion, "AttributeValue").map(textOf);
    const known = attributes.get(name);
    if (known === undefined) attributes.set(name, values);
    else for (const value of values) known.push(value);
  }
  return attributes;
}

function required(attributes: Attributes, name: string): string {
  const [value = ""] = attributes.get(name) ?? [];
  if (value === "") throw absent(attributes, name);
  return value;
}

const absent = (attributes: Attributes, name: string): SamlRefusal =>
  new SamlRefusal(
    "saml.attribute.present",
    `no attribute with name ${quoted(name)}: ${quoted([...attributes.keys()].join(" "))}`,
  );

/** Undefined: in none of the groups that may sign in. */
function groupsOf(attributes: Attributes, mapping: Mapping, wantsGroups: boolean): readonly string[] | undefined {
  const { groupsAttr, groupsDelim, allowedGroups, filterGroups } = mapping;
  // compat(dex): a request without the groups scope is refused where groups decide.
  if (!wantsGroups || groupsAttr === "") return allowedGroups.length === 0 ? [] : undefined;
  const values = attributes.get(groupsAttr);
  if (values === undefined) throw absent(attributes, groupsAttr);
  const groups = groupsDelim === "" ? values : (values[0] ?? "").split(groupsDelim);
  if (allowedGroups.length === 0) return groups;
  const allowed = new Set(allowedGroups);
  const matching = groups.filter((group) => allowed.has(group));
  if (matching.length === 0) return undefined;
  return filterGroups ? matching : groups;
}
