import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../kernel/secret.ts";
import type { AuthRequest } from "../storage/records.ts";
import { type FlowStep, isStepMac, stepMac } from "./step-mac.ts";

const request = {
  id: "approval-consent-test",
  hmacKey: new Secret(Buffer.from("consent-test-key")),
} as unknown as AuthRequest;

// protocol vectors of Dex: key "consent-test-key", request "approval-consent-test".
const vectors: readonly (readonly [FlowStep, string])[] = [
  ["step:continue", "kYhpDUbdIlo0HNO8HD6G4vigCQ8wh-6yNF9aXVTjlug"],
  ["step:approval", "mJoITK-L7exFaSBh0NFibbxiLu51rAtVAZLmcTblDMk"],
  ["step:approved", "h1lGt_gCeWPxzP3WitMz-ugJ5N_BHufcTJbhI189dGQ"],
];

for (const [step, mac] of vectors) {
  test(`accepts the MAC that Dex makes for ${step}, and for no other step`, () => {
    assert.equal(isStepMac(mac, request, step, ["browser"]), true);
    for (const [other] of vectors) if (other !== step) assert.equal(isStepMac(mac, request, other, ["browser"]), false);
  });
}

test("a MAC of ours continues only in the browser it was made for", () => {
  const mac = stepMac(request, "step:approval", ["mine"]);
  assert.equal(isStepMac(mac, request, "step:approval", ["mine"]), true);
  assert.equal(isStepMac(mac, request, "step:approval", ["other"]), false);
  assert.equal(isStepMac(mac, request, "step:approved", ["mine"]), false);
});

test("a request without a key is continued by nothing", () => {
  const keyless = { ...request, hmacKey: new Secret(new Uint8Array()) };
  assert.equal(isStepMac(stepMac(keyless, "step:approval", ["b"]), keyless, "step:approval", ["b"]), false);
});
