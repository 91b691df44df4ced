/** A request survives both of its ways through a login: sealed with the browser, and stored beside Dex's columns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSealer } from "../kernel/seal.ts";
import { Secret } from "../kernel/secret.ts";
import { systemClock, systemRandom } from "../kernel/system.ts";
import { extras } from "../storage/shared/extra.ts";
import type { FlowRequest } from "./contract.ts";
import { openPending, sealPending } from "./sealed-request.ts";
import { toAuthRequest, toFlowRequest } from "./stored-request.ts";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const word = text.map((value) => value.replace(/\s/gu, "_"));
const words = fc.array(word, { maxLength: 3 });
const required = {
  flowId: text,
  clientId: text,
  redirectUri: text,
  responseTypes: words,
  responseMode: fc.constantFrom("query", "fragment", "form_post"),
  scopes: words,
  nonce: fc.oneof(text, fc.constant("")),
  prompt: words,
  uiLocales: words,
  acrValues: words,
  acrIsEssential: fc.boolean(),
  forceConsent: fc.boolean(),
  expiresAt: fc.constant(Date.UTC(2100, 0)),
} as const;
const optional = {
  state: text,
  maxAge: fc.nat(),
  loginHint: text,
  namedClaims: fc.record({ idToken: words, userinfo: words }, { noNullPrototype: true }),
  hintedSubject: text,
} as const;
const pkce = fc.constantFrom(
  { codeChallenge: "", codeChallengeMethod: "" },
  { codeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", codeChallengeMethod: "S256" },
);
const aRequest: fc.Arbitrary<FlowRequest> = fc
  .tuple(fc.record({ ...required, ...optional }, { requiredKeys: keysOf(required), noNullPrototype: true }), pkce)
  .map(([request, challenge]) => ({ ...request, ...challenge }));

function keysOf<T extends object>(object: T): (keyof T)[] {
  return Object.keys(object) as (keyof T)[];
}

const deps = { sealer: createSealer(new Secret(new Uint8Array(32).fill(7))), clock: systemClock };
const login = {
  connectorId: "mock",
  claims: { userId: "1", username: "", preferredUsername: "", email: "", emailVerified: false, groups: [] },
  authTime: 1,
};

test("property: a sealed request is opened as it was", () => {
  fc.assert(
    fc.property(aRequest, (request) => {
      const sealed = sealPending({ request, connectorId: "mock" }, "login", ["browser"], deps);
      assert.deepEqual(openPending(sealed, "login", ["browser"], deps), {
        ok: true,
        pending: { request, connectorId: "mock" },
      });
    }),
  );
});

test("property: a stored request is read as it was, through the JSON that backends keep", () => {
  fc.assert(
    fc.property(aRequest, (request) => {
      const record = toAuthRequest(request, login, systemRandom);
      const { extra, ...columns } = record;
      const json = JSON.parse(JSON.stringify(extras.authRequests?.write(record)));
      assert.deepEqual(toFlowRequest(extras.authRequests?.read(columns, json) ?? columns), request);
    }),
  );
});
