import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Decision } from "../kernel/ports.ts";
import type { FlowRequest } from "./contract.ts";
import { nextStep, type Progress, type SessionFacts } from "./next-step.ts";

const request = (change: Partial<FlowRequest> = {}): FlowRequest => ({
  flowId: "f",
  clientId: "app",
  redirectUri: "https://app.example/cb",
  responseTypes: ["code"],
  responseMode: "query",
  scopes: ["openid"],
  nonce: "",
  codeChallenge: "",
  codeChallengeMethod: "",
  prompt: [],
  uiLocales: [],
  acrValues: [],
  acrIsEssential: false,
  forceConsent: false,
  expiresAt: 0,
  ...change,
});

const session = (change: Partial<SessionFacts> = {}): SessionFacts => ({
  subject: "me",
  authTime: 1_000_000,
  now: 1_060_000,
  reach: "own",
  leadsToEnrolment: false,
  isOnlineOnly: false,
  strength: {},
  ...change,
});

function stepOf(
  asked: Partial<FlowRequest>,
  progress: Partial<Progress>,
  skipApprovalScreen = false,
): { readonly go: string; readonly error?: string; readonly because: string | undefined } {
  const decisions: Decision[] = [];
  const trail = { note: (decision: Decision) => void decisions.push(decision) };
  const step = nextStep(
    request(asked),
    { isLoggedIn: false, isApproved: false, ...progress },
    { skipApprovalScreen },
    trail,
  );
  const because = decisions.at(-1)?.because;
  return step.go === "refuse" ? { go: step.go, error: step.error.code, because } : { go: step.go, because };
}

describe("a session", () => {
  const cases: readonly (readonly [string, Partial<FlowRequest>, Partial<SessionFacts> | undefined, string, string])[] =
    [
      ["of the client", {}, {}, "resume", "resume"],
      ["shared with the client", {}, { reach: "shared" }, "resume", "resume"],
      ["not shared", {}, { reach: "none" }, "login", "login_required"],
      ["none", {}, undefined, "login", "login_required"],
      ["of the hinted person", { hintedSubject: "me" }, {}, "resume", "resume"],
      ["of another than the hinted person", { hintedSubject: "you" }, {}, "login", "login_required"],
      ["younger than max_age", { maxAge: 60 }, {}, "resume", "resume"],
      ["older than max_age", { maxAge: 59 }, {}, "login", "login_required"],
      ["of this very moment, max_age=0", { maxAge: 0 }, { authTime: 1_060_000 }, "login", "login_required"],
      [
        "without lasting access upstream",
        { scopes: ["openid", "offline_access"] },
        { isOnlineOnly: true },
        "login",
        "resume",
      ],
      ["that leads to a first factor, of a moment ago", {}, { leadsToEnrolment: true }, "resume", "resume"],
      [
        "that leads to a first factor, left open",
        {},
        { leadsToEnrolment: true, authTime: 1_060_000 - 300_001 },
        "login",
        "resume",
      ],
      ["that lasts upstream", { scopes: ["openid", "offline_access"] }, {}, "resume", "resume"],
    ];
  for (const [name, asked, facts, loudly, silently] of cases) {
    test(`${name}: ${loudly}, or ${silently} where nothing may be shown`, () => {
      const progress = facts === undefined ? {} : { session: session(facts) };
      assert.equal(stepOf(asked, progress).go, loudly);
      const silent = stepOf({ ...asked, prompt: ["none"] }, progress);
      assert.equal(silent.error ?? silent.go, silently);
    });
  }
  for (const prompt of ["login", "select_account"]) {
    test(`is not used for prompt=${prompt}`, () =>
      assert.equal(stepOf({ prompt: [prompt] }, { session: session() }).go, "login"));
  }
});

describe("consent", () => {
  const loggedIn = { isLoggedIn: true, subject: "me" };
  const cases: readonly (readonly [string, Partial<FlowRequest>, Partial<Progress>, boolean, string])[] = [
    ["nothing is remembered", {}, {}, false, "consent"],
    ["it was just given", { forceConsent: true }, { isApproved: true }, false, "issue"],
    ["the operator skips it", {}, {}, true, "issue"],
    ["the operator skips it, the client forces it", { forceConsent: true }, {}, true, "consent"],
    ["only openid is asked, and the person is known", {}, { consented: [] }, false, "issue"],
    ["all of it was agreed to", { scopes: ["openid", "email"] }, { consented: ["email", "groups"] }, false, "issue"],
    ["some of it was", { scopes: ["openid", "email", "groups"] }, { consented: ["email"] }, false, "consent"],
    ["offline_access was not", { scopes: ["openid", "offline_access"] }, { consented: ["email"] }, false, "consent"],
    [
      "a claim by name is of a scope that was not",
      { namedClaims: { idToken: ["email"], userinfo: [] } },
      { consented: [] },
      false,
      "consent",
    ],
    ["it was agreed to, the client forces it", { forceConsent: true }, { consented: ["email"] }, false, "consent"],
  ];
  for (const [name, asked, progress, skip, go] of cases) {
    test(`${name}: ${go}`, () => {
      assert.equal(stepOf(asked, { ...loggedIn, ...progress }, skip).go, go);
      const silent = stepOf({ ...asked, prompt: ["none"] }, { ...loggedIn, ...progress }, skip);
      assert.equal(silent.error ?? silent.go, go === "consent" ? "consent_required" : go);
    });
  }
  test("of somebody else than the hinted person is no answer", () =>
    assert.equal(stepOf({ hintedSubject: "you" }, { ...loggedIn, isApproved: true }).error, "login_required"));
});

describe("second factors", () => {
  const loggedIn = { isLoggedIn: true, missingFactors: ["totp", "key"] };

  test("come before consent, the first that is missing first", () => {
    assert.equal(stepOf({}, loggedIn).go, "mfa");
    assert.equal(stepOf({}, { ...loggedIn, isApproved: true }).go, "mfa");
    assert.equal(stepOf({}, { isLoggedIn: true, missingFactors: [] }, true).go, "issue");
  });

  test("cannot be asked for in silence", () => {
    assert.equal(stepOf({ prompt: ["none"] }, loggedIn).error, "interaction_required");
  });

  test("come after the question whom the answer is about, and before that for the strength", () => {
    assert.equal(stepOf({ hintedSubject: "you" }, { ...loggedIn, subject: "me" }).error, "login_required");
    const strong = { acrIsEssential: true, acrValues: ["phr"] };
    assert.equal(stepOf(strong, loggedIn).go, "mfa");
    assert.equal(stepOf(strong, { isLoggedIn: true }).error, "unmet_authentication_requirements");
    assert.equal(stepOf(strong, { isLoggedIn: true, strength: { contexts: ["phr"] } }, true).go, "issue");
  });
});
