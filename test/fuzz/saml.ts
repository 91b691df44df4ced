/**
 * Mutates signed responses and shows them to the connector's own reader. Whatever is believed must say exactly what one
 * of the signed documents says, and whatever is not must be refused by name: anything else is a finding.
 *
 *     bin/node test/fuzz/saml.ts COUNT [SEED]
 */
import { createPrivateKey } from "node:crypto";
import { checkResponse, type Expected } from "../../src/connector/saml/check-response.ts";
import { createDecryptor } from "../../src/connector/saml/decrypt-assertion.ts";
import { type Mapping, mapIdentity } from "../../src/connector/saml/map-identity.ts";
import { type ResponsePolicy, readResponse } from "../../src/connector/saml/read-response.ts";
import { SamlRefusal } from "../../src/connector/saml/refusal.ts";
import { pinnedKeys } from "../../src/connector/saml/trusted-keys.ts";
import { encryptFor, inclusive, makeAssertion, makeKeyPair, makeResponse, sign } from "../fake/saml-documents.ts";

const now = Date.now() + 60_000;
const acsUrl = "http://127.0.0.1:5556/dex/callback";
const requestId = "_request";
const idp = makeKeyPair();
const ours = makeKeyPair("Dex");

const policy: ResponsePolicy = {
  signatures: { keys: pinnedKeys(idp.certificate), now, allowsSha1: false },
  decrypt: createDecryptor([createPrivateKey(ours.key)]),
};
const expected: Expected = {
  ...{ now, skew: 30_000, requestId, requestedAt: now, acsUrl, audience: acsUrl, issuer: undefined },
  // Lax, so that as few documents as possible are refused for what is beside the point here.
  ...{ allowsMissing: true, forceAuthn: false, authnContexts: [] },
};
const mapping: Mapping = {
  ...{ usernameAttr: "name", emailAttr: "email", preferredUsernameAttr: "nick", groupsAttr: "groups", groupsDelim: "" },
  ...{ allowedGroups: [], filterGroups: false },
};

/** What the connector would say of the person: the id, and what stands in the claims. */
async function read(document: string): Promise<string> {
  const verified = await readResponse(Buffer.from(document).toString("base64"), policy);
  const checked = checkResponse(verified, expected);
  const result = mapIdentity(checked, mapping, true, true);
  if (!result.ok) return result.reason;
  const { connectorData, ...claims } = result.identity;
  return JSON.stringify({ ...claims, kept: Buffer.from(connectorData?.reveal() ?? []).toString() });
}

/** Each person of their own, so that a mixture of two is noticed. */
function seeds(): readonly string[] {
  const of = (person: string, more: object = {}) => ({
    ...{ now, acsUrl, inResponseTo: requestId, assertionId: `_${person}`, responseId: `_r${person}` },
    nameIdXml: `<saml:NameID>${person}</saml:NameID>`,
    attributes: {
      name: [`${person} "Doe" &`],
      email: [`${person}@example.com`],
      groups: [`${person}s`, "all"],
      nick: [person],
    },
    ...more,
  });
  const spaces = ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema"';
  const pair = idp;
  const inner = of("ed");
  return [
    sign(makeResponse(of("ann")), "Response", { pair }),
    sign(makeResponse(of("bob")), "Assertion", { pair }),
    sign(sign(makeResponse(of("cat")), "Assertion", { pair }), "Response", { pair }),
    sign(makeResponse(of("dan", { responseNamespacesXml: spaces })), "Assertion", { pair, inclusivePrefixes: ["xs"] }),
    makeResponse(inner, encryptFor(sign(makeAssertion(inner), "Assertion", { pair }), { to: ours })),
    sign(
      makeResponse(of("fay"), encryptFor(makeAssertion(of("fay")), { to: ours, cipher: "aes-128-cbc" })),
      "Response",
      { pair },
    ),
    sign(
      makeResponse(
        of("eve", {
          nameIdXml: encryptFor('<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">eve</saml:NameID>', {
            ...{ to: ours, as: "EncryptedID", wrap: "rsa-oaep", hash: "sha256", mask: "sha1" },
          }),
        }),
      ),
      "Response",
      { pair },
    ),
    sign(makeResponse(of("gus", { responseNamespacesXml: spaces })), "Assertion", { pair, canonical: inclusive }),
    sign(makeResponse(of("hal")).replaceAll("><", ">\n <"), "Response", { pair, isUriEmpty: true }),
  ];
}

/** A small generator that a seed repeats. mulberry32. */
function dice(seed: number) {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (count: number): number => Math.floor(next() * count);
  return { below, pick: <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item };
}

type Dice = ReturnType<typeof dice>;

const snippets = [
  ...[
    "<!---->",
    "<!--x-->",
    "<?x y?>",
    "<![CDATA[admin]]>",
    "<![CDATA[]]>",
    "<!DOCTYPE a>",
    "&#x0;",
    "&#65;",
    "&#xD;",
    "&amp;",
    "&x;",
  ],
  ...[
    "<x/>",
    "<saml:NameID>admin</saml:NameID>",
    "admin",
    "\r\n",
    "\t",
    " ",
    "\u00a0",
    "\u0000",
    "]]>",
    "</saml:NameID>",
    "\ufeff",
  ],
  ...['<saml:Attribute Name="email"><saml:AttributeValue>admin@example.com</saml:AttributeValue></saml:Attribute>'],
  ...[
    ' ID="_ann"',
    ' Id="_bob"',
    ' xml:id="_cat"',
    ' URI=""',
    ' URI="#_bob"',
    ' xmlns="urn:x"',
    ' xmlns:saml="urn:x"',
    ' xmlns:ds="urn:x"',
  ],
  ...[
    ' xmlns:x="urn:oasis:names:tc:SAML:2.0:assertion"',
    ' xsi:nil="true"',
    " xmlns=''",
    "<ds:Object>",
    "</ds:Object>",
  ],
];

/** An element as text, found by a tag that the dice choose; its end is that of the same name which balances it. */
function elementAt(document: string, roll: Dice): readonly [start: number, end: number] {
  const tags = [...document.matchAll(/<([A-Za-z][\w:]*)[^<>]*>/g)];
  const tag = tags.length === 0 ? undefined : roll.pick(tags);
  if (tag === undefined) return [0, 0];
  if (tag[0].endsWith("/>")) return [tag.index, tag.index + tag[0].length];
  const same = new RegExp(`<(/?)${tag[1]}(?=[\\s/>])[^<>]*?(/?)>`, "g");
  same.lastIndex = tag.index;
  let depth = 0;
  for (let match = same.exec(document); match !== null; match = same.exec(document)) {
    if (match[1] === "/") depth--;
    else if (match[2] !== "/") depth++;
    if (depth === 0) return [tag.index, match.index + match[0].length];
  }
  return [tag.index, tag.index + tag[0].length];
}

const insert = (document: string, at: number, text: string): string =>
  document.slice(0, at) + text + document.slice(at);
const remove = (document: string, start: number, end: number): string => document.slice(0, start) + document.slice(end);
/** A place between two tags, mostly; anywhere sometimes. */
function place(document: string, roll: Dice): number {
  if (roll.below(5) === 0) return roll.below(document.length + 1);
  const tags = [...document.matchAll(/[<>]/g)];
  const tag = tags.length === 0 ? undefined : roll.pick(tags);
  return tag === undefined ? 0 : tag.index + (tag[0] === ">" ? 1 : 0);
}

const mutations: readonly ((document: string, other: string, roll: Dice) => string)[] = [
  // A character.
  (document, _, roll) => {
    const at = roll.below(document.length);
    return document.slice(0, at) + String.fromCharCode(32 + roll.below(95)) + document.slice(at + 1);
  },
  (document, _, roll) => insert(document, place(document, roll), roll.pick(snippets)),
  // An attribute.
  (document, _, roll) => {
    const tags = [...document.matchAll(/<[A-Za-z][\w:]*/g)];
    const tag = tags.length === 0 ? undefined : roll.pick(tags);
    return tag === undefined ? document : insert(document, tag.index + tag[0].length, roll.pick(snippets));
  },
  // An element: gone, doubled, moved.
  (document, _, roll) => remove(document, ...elementAt(document, roll)),
  (document, _, roll) => {
    const [start, end] = elementAt(document, roll);
    return insert(document, place(document, roll), document.slice(start, end));
  },
  (document, _, roll) => {
    const [start, end] = elementAt(document, roll);
    const rest = remove(document, start, end);
    return insert(rest, place(rest, roll), document.slice(start, end));
  },
  // A piece of somebody else's: beside, or in place of one's own.
  (document, other, roll) => {
    const [start, end] = elementAt(other, roll);
    return insert(document, place(document, roll), other.slice(start, end));
  },
  (document, other, roll) => {
    const [start, end] = elementAt(document, roll);
    const [from, to] = elementAt(other, roll);
    return document.slice(0, start) + other.slice(from, to) + document.slice(end);
  },
  // An element of one name in place of the other document's, which wrapping is made of.
  (document, other, roll) => {
    const name = roll.pick([
      "saml:Assertion",
      "ds:Signature",
      "saml:Subject",
      "saml:AttributeStatement",
      "ds:SignedInfo",
      "saml:NameID",
    ]);
    const pattern = new RegExp(`<${name}[ >][\\s\\S]*?</${name}>`);
    const theirs = pattern.exec(other)?.[0];
    return theirs === undefined
      ? document
      : document.replace(pattern, (own) => roll.pick([theirs, theirs + own, own + theirs]));
  },
  // Names and values changed everywhere at once.
  (document, _, roll) =>
    document.replaceAll(
      roll.pick(["_ann", "_bob", "_cat", "_rann", "saml:", "ds:", "samlp:", "email", "SHA", "#"]),
      roll.pick(["_bob", "_x", "ds:", "saml:", "", "email", "#_bob"]),
    ),
  (document, _, roll) => document.replaceAll("><", roll.pick(["> <", ">\n<", ">\r<", "><!-- --><"])),
];

export interface Tally {
  readonly inputs: number;
  readonly believed: number;
  /** How often each check refused. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly findings: readonly string[];
}

/** Runs `count` inputs. The same seed gives the same inputs, apart from keys and times. */
export async function fuzzSaml(count: number, seed: number): Promise<Tally> {
  const documents = seeds();
  const truths = new Set(await Promise.all(documents.map(read)));
  if (truths.size !== documents.length) throw new Error("the seeds do not say different things");
  const roll = dice(seed);
  const refusals = new Map<string, number>();
  const findings: string[] = [];
  let believed = 0;
  for (let input = 0; input < count && findings.length < 10; input++) {
    let document = roll.pick(documents);
    const original = document;
    for (let step = roll.below(3); step >= 0; step--)
      document = roll.pick(mutations)(document, roll.pick(documents), roll);
    if (document === original) continue;
    try {
      const said = await read(document);
      if (truths.has(said)) believed++;
      else findings.push(`input ${input} of seed ${seed} is believed and says ${said}:\n${document}`);
    } catch (error) {
      if (error instanceof SamlRefusal) refusals.set(error.check, (refusals.get(error.check) ?? 0) + 1);
      else
        findings.push(
          `input ${input} of seed ${seed} breaks: ${error instanceof Error ? error.stack : error}\n${document}`,
        );
    }
  }
  return { inputs: count, believed, refusals, findings };
}

if (import.meta.main) {
  const [count = "100000", seed = `${Date.now()}`] = process.argv.slice(2);
  const started = process.cpuUsage();
  const { inputs, believed, refusals, findings } = await fuzzSaml(Number(count), Number(seed));
  const { user, system } = process.cpuUsage(started);
  for (const [check, times] of [...refusals].sort(([, one], [, other]) => other - one))
    console.log(`${times}\t${check}`);
  console.log(
    `seed ${seed}: ${inputs} inputs in ${((user + system) / 1e6).toFixed(0)} s of CPU, ${believed} believed unchanged, ${findings.length} findings`,
  );
  for (const finding of findings) console.log(finding);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
