/** A browser's answer is any JSON: without a key of the person's it is refused, whatever it is, and nothing is stored. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { UserIdentity, WebauthnCredential } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { WebauthnFactor } from "./factor-contract.ts";
import { addKey, handleOf, proveKey } from "./webauthn-answer.ts";

const challenge = Buffer.from("a challenge of this ceremony").toString("base64url");
const factor = {
  type: "WebAuthn",
  id: "key",
  rpID: "",
  rpOrigins: [],
  userVerification: "",
} as unknown as WebauthnFactor;
const untouched = { update: () => assert.fail("something was to be stored") };
const deps = {
  policy: { issuer: "https://dex.example/dex" },
  clock: { now: () => 0 },
  storage: { userIdentities: untouched },
  recoveryKey: Buffer.alloc(32, 1),
} as unknown as FlowDeps;
const key = { credentialId: Buffer.from("a key"), publicKey: Buffer.from("no key"), signCount: 0 };
const identity = {
  userId: "u",
  connectorId: "c",
  webauthnCredentials: { key: [key as unknown as WebauthnCredential] },
} as unknown as UserIdentity;

const base64url = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("base64url"));
const text = fc.oneof(fc.string(), base64url, fc.constant(Buffer.from("a key").toString("base64url")));
/** Often what the ceremony expects, so that the parts behind it are reached. */
const clientData = fc
  .record({
    type: fc.constantFrom("webauthn.create", "webauthn.get", "x"),
    challenge: fc.constantFrom(challenge, "other"),
    origin: fc.constantFrom("https://dex.example", "https://evil.example"),
  })
  .map((data) => Buffer.from(JSON.stringify(data)).toString("base64url"));
const credential = (response: fc.Arbitrary<unknown>) =>
  text.chain((id) =>
    fc.record({
      id: fc.constant(id),
      rawId: fc.oneof(fc.constant(id), text),
      type: fc.constant("public-key"),
      response,
    }),
  );
/** A map with `fmt`, `attStmt` and `authData` in CBOR around any bytes, or no CBOR at all. */
const attestation = fc.oneof(
  base64url,
  fc.uint8Array({ maxLength: 255 }).map((bytes) => {
    const head = Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746158", "hex");
    return Buffer.concat([head, Buffer.from([bytes.length]), bytes]).toString("base64url");
  }),
);
const registration = credential(
  fc.record({ attestationObject: attestation, clientDataJSON: fc.oneof(clientData, text) }),
);
const assertion = credential(
  fc.record(
    {
      authenticatorData: base64url,
      clientDataJSON: fc.oneof(clientData, text),
      signature: base64url,
      userHandle: text,
    },
    { requiredKeys: ["authenticatorData", "clientDataJSON", "signature"] },
  ),
);

test("no answer that a key has not signed registers one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), registration), async (answer) => {
      const user = { userId: "u", connectorId: "c" };
      const finished = await addKey({ user, factor, challenge, answer, name: "" }, () => true, deps);
      assert.equal(finished.ok, false);
    }),
    { numRuns: 300 },
  );
});

test("no answer that a key has not signed proves one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), assertion), async (answer) => {
      const finished = await proveKey({ identity, factor, challenge, answer }, deps);
      assert.equal(finished.ok, false);
    }),
    { numRuns: 300 },
  );
});

test("whom an answer names is read or is nobody", () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), assertion), (answer) => {
      const handle = handleOf(answer);
      if (handle !== undefined) assert.ok(handle instanceof Uint8Array);
    }),
  );
});
