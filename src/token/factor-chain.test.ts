import assert from "node:assert/strict";
import { test } from "node:test";
import { type FactorPolicy, lackingFactors, type Shown } from "./factor-chain.ts";

const policy: FactorPolicy = {
  authenticators: [
    { id: "app", type: "TOTP", connectorTypes: [] },
    { id: "key", type: "WebAuthn", connectorTypes: ["ldap"] },
  ],
  defaultChain: ["app"],
  trustedConnectors: ["idp"],
};
const ldap = { id: "ldap", type: "ldap", grantTypes: [] };
const idp = { id: "idp", type: "ldap", grantTypes: [] };

const lacking = (mfaChain: readonly string[] | undefined, shown: Shown, connector: typeof ldap | undefined = ldap) =>
  lackingFactors(mfaChain === undefined ? {} : { mfaChain }, connector, shown, policy);

test("what is demanded and was not proved is lacking, in order; the default chain where the client has none", () => {
  assert.deepEqual(lacking(undefined, {}), ["app"]);
  assert.deepEqual(lacking([], {}), []);
  assert.deepEqual(lacking(["key", "app"], { factors: ["app"] }), ["key"]);
  assert.deepEqual(lacking(["key", "app"], { factors: ["app", "key"] }), []);
});

test("a factor is for people of its connectors, and for all where the connector is gone; no factor is for nobody", () => {
  const google = { id: "google", type: "google", grantTypes: [] };
  assert.deepEqual(lacking(["key", "typo"], {}, google), ["typo"]);
  assert.deepEqual(lackingFactors({ mfaChain: ["key"] }, undefined, {}, policy), ["key"]);
  assert.deepEqual(lacking(["typo"], { factors: ["app", "key"], amr: ["mfa"] }), ["typo"]);
});

test("an upstream's word for several factors counts where it is trusted, and ours never passes for it", () => {
  assert.deepEqual(lacking(["app", "key"], { amr: ["pwd", "mfa"] }, idp), []);
  assert.deepEqual(lacking(["app", "key"], { amr: ["pwd", "mfa"] }), ["app", "key"]);
  assert.deepEqual(lacking(["app", "key"], { amr: ["pwd"] }, idp), ["app", "key"]);
  // One of two proved to us says "mfa" as well.
  assert.deepEqual(lacking(["app", "key"], { amr: ["pwd", "otp", "mfa"], factors: ["app"] }, idp), ["key"]);
});
