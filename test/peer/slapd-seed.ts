/** Whom the test directories hold. The same names as everywhere: jane/foo, john/bar; and some that break things. */
export const baseDn = "dc=example,dc=org";

export interface SeedEntry {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
}

export const service = { dn: `cn=readonly,${baseDn}`, password: "readonly" } as const;

/** Every character that a DN or a filter reserves, a blank at each end that must survive, and two that are not ASCII. */
export const odd = {
  uid: 'od*d(\\)&|!=<>~:"#;,+é',
  name: ' #Åsa, "Ü" + (x)*;<=>\\ ',
  password: "b\u00e4z (*) pass\\",
  dn: `cn=\\20\\23Åsa\\, \\"Ü\\" \\+ (x)*\\;\\<\\=\\>\\\\\\20,ou=People,${baseDn}`,
  group: "a,b+c(d)*\\e#",
} as const;

export const manyGroups = 10_000;

const ou = (name: string): SeedEntry => ({
  dn: `ou=${name},${baseDn}`,
  attributes: { objectClass: "organizationalUnit", ou: name },
});

const person = (
  uid: string,
  password: string,
  more: SeedEntry["attributes"] = {},
  dn = `cn=${uid},ou=People,${baseDn}`,
): SeedEntry => ({
  dn,
  attributes: { objectClass: "inetOrgPerson", cn: uid, sn: "Doe", uid, userPassword: password, ...more },
});

export const dnOf = (uid: string): string => `cn=${uid},ou=People,${baseDn}`;
export const groupDn = (name: string, unit = "Groups"): string => `cn=${name},ou=${unit},${baseDn}`;

const group = (name: string, members: readonly string[], unit = "Groups", dn = groupDn(name, unit)): SeedEntry => ({
  dn,
  attributes: { objectClass: "groupOfNames", cn: name, member: members },
});

const policy = (name: string, more: SeedEntry["attributes"]): SeedEntry => ({
  dn: `cn=${name},ou=Policies,${baseDn}`,
  attributes: {
    objectClass: ["pwdPolicy", "device"],
    cn: name,
    pwdAttribute: "userPassword",
    pwdLockout: "TRUE",
    pwdMaxFailure: "0",
    ...more,
  },
});

const long = "20200101000000Z";

export const seed: readonly SeedEntry[] = [
  { dn: baseDn, attributes: { objectClass: ["dcObject", "organization"], o: "Example", dc: "example" } },
  ...["People", "Seattle", "Groups", "Nested", "Twins", "PosixGroups", "Many", "Policies"].map(ou),
  policy("default", {}),
  policy("short", { pwdMaxAge: "60", pwdGraceAuthNLimit: "0" }),
  {
    dn: service.dn,
    attributes: {
      objectClass: ["simpleSecurityObject", "organizationalRole"],
      cn: "readonly",
      userPassword: service.password,
    },
  },
  person("jane", "foo", {
    mail: "janedoe@example.com",
    displayName: "Jane Doe",
    departmentNumber: ["1000", "1001"],
  }),
  person("john", "bar", { mail: "johndoe@example.com", displayName: "John Doe", departmentNumber: ["1000", "1002"] }),
  person("nomail", "foo"),
  person("twice", "foo", { mail: "twice@example.com" }),
  person("twice", "foo", { mail: "twice2@example.com" }, `cn=twice,ou=Seattle,${baseDn}`),
  person("old", "foo", {
    mail: "old@example.com",
    pwdPolicySubentry: `cn=short,ou=Policies,${baseDn}`,
    pwdChangedTime: long,
  }),
  person("locked", "foo", { mail: "locked@example.com", pwdAccountLockedTime: "000001010000Z" }),
  person("popular", "foo", { mail: "popular@example.com" }),
  person("leaver", "foo", { mail: "leaver@example.com" }),
  person(odd.uid, odd.password, { cn: odd.name, mail: "odd@example.com", displayName: odd.name }, odd.dn),
  group("admins", [dnOf("john"), dnOf("jane")]),
  group("developers", [dnOf("jane")]),
  group(odd.group, [odd.dn], "Groups", `cn=a\\,b\\+c(d)*\\\\e#,ou=Groups,${baseDn}`),
  group("of the odd one's group", [`cn=a\\,b\\+c(d)*\\\\e#,ou=Groups,${baseDn}`]),
  group("childGroup", [dnOf("jane")], "Nested"),
  group("circularGroup1", [dnOf("jane"), groupDn("circularGroup2", "Nested")], "Nested"),
  group("circularGroup2", [dnOf("john"), groupDn("circularGroup1", "Nested")], "Nested"),
  group("intermediateGroup", [groupDn("childGroup", "Nested"), dnOf("john")], "Nested"),
  group("parentGroup", [groupDn("intermediateGroup", "Nested")], "Nested"),
  // Two groups of one name, each with a parent of its own.
  group("twin", [dnOf("jane")], "Twins"),
  {
    dn: `cn=twin,cn=twin,ou=Twins,${baseDn}`,
    attributes: { objectClass: "groupOfNames", cn: "twin", member: dnOf("jane") },
  },
  group("parent of one", [groupDn("twin", "Twins")], "Twins"),
  group("parent of two", [`cn=twin,cn=twin,ou=Twins,${baseDn}`], "Twins"),
  ...["frontend:20001:jane", "logger:20002:john"].map((text): SeedEntry => {
    const [cn = "", gidNumber = "", memberUid = ""] = text.split(":");
    return { dn: groupDn(cn, "PosixGroups"), attributes: { objectClass: "posixGroup", cn, gidNumber, memberUid } };
  }),
  ...["p-admins:1000", "p-developers:1001", "p-designers:1002"].map((text): SeedEntry => {
    const [cn = "", gidNumber = ""] = text.split(":");
    return { dn: groupDn(cn, "PosixGroups"), attributes: { objectClass: "posixGroup", cn, gidNumber } };
  }),
  ...Array.from({ length: manyGroups }, (_, index) => group(`group-${index}`, [dnOf("popular")], "Many")),
];

/** Every value in base64, so that none needs quoting. RFC 2849. */
export const ldif = (entries: readonly SeedEntry[]): string =>
  entries
    .map(({ dn, attributes }) =>
      [
        `dn:: ${Buffer.from(dn).toString("base64")}`,
        ...Object.entries(attributes).flatMap(([name, values]) =>
          [values].flat().map((value) => `${name}:: ${Buffer.from(value).toString("base64")}`),
        ),
        "",
      ].join("\n"),
    )
    .join("\n");
