import assert from "node:assert/strict";
import { test } from "node:test";
import { factorSection } from "./factor-section.ts";
import type { PageContext } from "./layout.ts";
import { type PageName, pages } from "./page-table.ts";
import { factorSectionSample, sampleContext, samples } from "./testing/sample-props.ts";

function render(page: PageName, state: string, context: PageContext = sampleContext): string {
  const draw: (context: PageContext, props: never) => { toString(): string } = pages[page];
  const states: Readonly<Record<string, unknown>> = samples[page];
  assert.ok(state in states, `${page} has no sample ${state}`);
  return draw(context, states[state] as never).toString();
}

const everyState = Object.entries(samples).flatMap(([page, states]) =>
  Object.keys(states).map((state) => ({ page: page as PageName, state })),
);

/** Opening tags. Our own output quotes every attribute and escapes `>`, so this reads it exactly. */
const tagsOf = (document: string): readonly string[] => document.match(/<[a-z][^>]*>/g) ?? [];
const attribute = (tag: string, name: string): string | undefined => new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];
const idsOf = (document: string): readonly string[] => tagsOf(document).flatMap((tag) => attribute(tag, "id") ?? []);

const voidElements = new Set(["meta", "link", "img", "input", "hr", "br"]);

function assertBalanced(document: string): void {
  const open: string[] = [];
  for (const [tag, slash, name = "", rest = ""] of document.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/g)) {
    if (slash === "/") assert.equal(open.pop(), name, tag);
    else if (!voidElements.has(name) && !rest.endsWith("/")) open.push(name);
  }
  assert.deepEqual(open, []);
}

for (const { page, state } of everyState) {
  const document = render(page, state);
  const tags = tagsOf(document);

  test(`${page} ${state}: is one balanced document with language, title, viewport, one h1 and one main`, () => {
    assertBalanced(document);
    assert.match(document, /^<!DOCTYPE html>\n<html lang="en">/);
    assert.match(document, /<title>[^<]+ · Example Corp<\/title>/);
    assert.match(document, /<meta name="viewport" content="width=device-width, initial-scale=1">/);
    for (const landmark of ["<h1", "<main", "<header"]) assert.equal(document.split(landmark).length, 2, landmark);
    assert.match(document, /href="static\/main.css".*href="theme\/styles.css".*href="theme\/favicon.png"/s);
  });

  test(`${page} ${state}: carries no inline script, style or handler`, () => {
    const script =
      state === "automatic"
        ? "continue.js"
        : page === "webauthn" || state.startsWith("passkey")
          ? "webauthn.js"
          : undefined;
    assert.deepEqual(
      tags.filter((tag) => tag.startsWith("<script")),
      script === undefined ? [] : [`<script src="static/${script}" defer>`],
    );
    if (script !== undefined) assert.match(document, /defer><\/script>/);
    assert.doesNotMatch(document, /<style/);
    for (const tag of tags) {
      assert.doesNotMatch(tag, /\sstyle=/, tag);
      assert.doesNotMatch(tag.replace(/="[^"]*"/g, ""), /\son[a-z]+/, tag);
      assert.doesNotMatch(tag, /="\s*javascript:/i, tag);
    }
  });

  test(`${page} ${state}: ids are unique, each field has its label, each reference its target`, () => {
    const ids = idsOf(document);
    assert.equal(new Set(ids).size, ids.length);
    const labelled = tags.filter((tag) => tag.startsWith("<label")).map((tag) => attribute(tag, "for"));
    const fields = tags
      .filter((tag) => tag.startsWith("<input") && attribute(tag, "type") !== "hidden")
      .map((tag) => attribute(tag, "id"));
    assert.deepEqual([...labelled].sort(), [...fields].sort());
    for (const tag of tags) {
      const references = [attribute(tag, "aria-describedby"), attribute(tag, "aria-labelledby")];
      for (const id of references.flatMap((list) => list?.split(" ") ?? []))
        assert.ok(ids.includes(id), `${tag}: ${id}`);
    }
    for (const tag of tags.filter((each) => each.startsWith("<img")))
      assert.notEqual(attribute(tag, "alt"), undefined, tag);
    assert.ok(document.split(" autofocus").length <= 2, "one autofocus at most");
  });
}

function assertHas(document: string, ...tags: readonly RegExp[]): void {
  for (const tag of tags) assert.match(document, tag);
}

const hasClass = (name: string): RegExp => new RegExp(`class="(?:[^"]* )?${name}(?: [^"]*)?"`);

test("the frame has the theme's hooks", () => {
  const document = render("login", "usual");
  for (const name of [
    "theme-body",
    "theme-navbar",
    "theme-navbar__logo-wrap",
    "theme-navbar__logo",
    "dex-container",
    "theme-panel",
    "theme-heading",
  ]) {
    assert.match(document, hasClass(name));
  }
});

test("the login page offers each connector as a link with its icon", () => {
  const document = render("login", "many");
  assertHas(
    document,
    /<a href="\/dex\/auth\/github\?client_id=example-app" class="dex-btn dex-btn-provider theme-btn-provider"/,
  );
  for (const type of ["google", "local", "bitbucket-cloud", "mockCallback"])
    assertHas(document, hasClass(`dex-btn-icon--${type}`));
  assertHas(document, hasClass("theme-form-row"), hasClass("dex-btn-icon"), hasClass("dex-btn-text"));
});

test("a connector that is away cannot be followed, and says so", () => {
  const document = render("login", "awkward");
  assert.doesNotMatch(document, /href="\/dex\/auth\/down/);
  assertHas(document, /role="link" aria-disabled="true"/, /Not available right now/);
  assertHas(document, /href="about:invalid"/, /class="dex-btn-icon" aria-hidden/);
});

test("the password page keeps Dex's form contract", () => {
  const usual = render("password", "usual");
  assertHas(
    usual,
    /<form method="post" action="\/dex\/auth\/local\/login\?state=abc">/,
    /<input id="login" name="login"[^>]* autocomplete="username"[^>]* inputmode="email" autofocus>/,
  );
  assertHas(
    usual,
    /<input id="password" name="password" type="password"[^>]* autocomplete="current-password">/,
    /<input id="remember_me" type="checkbox" name="remember_me" value="on" checked>/,
  );
  assertHas(
    usual,
    /<button id="submit-login" type="submit"/,
    hasClass("theme-btn--primary"),
    hasClass("theme-form-label"),
    hasClass("theme-form-input"),
    hasClass("theme-remember-me"),
    hasClass("theme-link-back"),
  );
  assertHas(usual, /href="\/dex\/signup"/);
  assert.doesNotMatch(usual, /login-error|aria-invalid/);
  assert.doesNotMatch(render("password", "bare"), /remember_me|theme-link-back|signup/);
  assert.doesNotMatch(render("password", "awkward"), / checked/);
});

test("a passkey is offered beside the password, out of sight until a script can ask for it", () => {
  assertHas(
    render("password", "passkey"),
    /<input id="login"[^>]* autocomplete="username webauthn"/,
    /<form id="webauthn"[^>]* action="\/dex\/auth\/local\/passkey\?state=abc"[^>]* data-options="\{&#34;challenge&#34;:[^"]*" [^>]*hidden>/,
    /<input type="hidden" name="ceremony" value="1\.abc">/,
    /<button id="webauthn-start" type="submit"[^>]*>.*Sign in with a passkey/,
  );
  assertHas(render("password", "passkeyRefused"), /<div id="passkey-refused"[^>]* role="alert">/, /<title>Error: /);
  assert.doesNotMatch(render("password", "usual"), /webauthn|<script/);
});

test("the account's factors can be named and removed, each by a button that says whose it is", () => {
  const document = String(factorSection(sampleContext, factorSectionSample));
  assertBalanced(document);
  assertHas(
    document,
    /<summary aria-describedby="factor-1">Rename<\/summary>/,
    /<label for="factor-1-name"[^>]*>Name of this key<\/label>/,
    /name="key" value="a2V5">/,
    /There may be a copy of this key/,
    /Last used <time datetime="2026-07-28T11:15:00Z">/,
  );
  assert.equal(document.split('value="remove-factor"').length, 3);
  const last = { ...factorSectionSample, factors: factorSectionSample.factors.slice(0, 1) };
  assert.match(String(factorSection(sampleContext, last)), /your password alone opens your account again/);
  const kept = String(factorSection(sampleContext, { ...last, lastStays: true }));
  assert.match(kept, /The last one stays/);
  assert.doesNotMatch(kept, /remove-factor/);
  assert.match(String(factorSection(sampleContext, { ...last, factors: [] })), /You have none yet/);
});

test("a refused password is announced, keeps the name and puts the cursor on the password", () => {
  const document = render("password", "invalid");
  assertHas(
    document,
    /<div id="login-error" class="dex-error-box" role="alert">/,
    /<title>Error: /,
    /name="login"[^>]* value="ada" aria-invalid="true" aria-describedby="login-error">/,
  );
  assertHas(document, /name="password"[^>]* autofocus aria-invalid="true" aria-describedby="login-error">/);
});

test("the signup page keeps the fork's form contract", () => {
  assertHas(
    render("signup", "usual"),
    /name="email" type="email"/,
    /name="username"/,
    /name="password"[^>]* minlength="8"/,
    /<button id="submit-signup"/,
  );
  assertHas(
    render("signup", "refused"),
    /<div id="signup-error" class="dex-error-box" role="alert">This email/,
    /value="ada@example"/,
  );
});

test("the approval page asks for approve or rejected and shows every scope", () => {
  const document = render("approval", "awkward");
  assertHas(
    document,
    /<input type="hidden" name="req" value="abc">/,
    /<button type="submit" name="approval" value="approve"/,
    /<button type="submit" name="approval" value="rejected"/,
  );
  assertHas(
    document,
    hasClass("theme-btn--success"),
    hasClass("dex-list"),
    hasClass("dex-separator"),
    hasClass("dex-subtle-text"),
    hasClass("theme-btn-provider"),
  );
  assertHas(
    document,
    /See where you log in/,
    /Use your login with <bdi>Command line<\/bdi>/,
    /Stay connected/,
    /custom:11/,
    /\(<bdi>com\.example\.app:<\/bdi>\)/,
  );
  assertHas(render("approval", "usual"), /You will be sent to <strong><bdi>grafana\.example\.com<\/bdi><\/strong>/);
  assertHas(render("approval", "nothing"), /asks for no personal information/, /a program on this computer/);
});

test("the code page shows the code in a field that can be copied", () => {
  assertHas(render("oob", "usual"), /<input id="code"[^>]* value="mhy2ijdvrbg6q4wrvbrmk4glq" readonly/);
});

test("the error page names status, message, next step and trace", () => {
  assertHas(
    render("error", "request"),
    /400 <span lang="en">Bad Request<\/span>/,
    /Unregistered redirect_uri\./,
    /start again/,
    /<code id="trace-id">4bf92f3577b34da6a3ce929d0e0e4736</,
  );
  assertHas(render("error", "fault"), /href="\/dex\/auth\?client_id=a"/);
  assertHas(render("error", "awkward"), /try again/, /&lt;img src=x/);
  assertHas(render("error", "byClient"), /<span class="dex-detail" lang="en" dir="auto">Invalid response type/);
  const { traceId: _, ...untraced } = sampleContext;
  assert.doesNotMatch(render("error", "request", untraced), /trace-id|reference below/);
});

test("the logout page asks, confirms, or says that nothing was open", () => {
  assertHas(
    render("logout", "confirm"),
    /<form method="post" action="\/dex\/logout"/,
    /name="state" value="s&#34;&#39;"/,
    /ada@example\.com/,
  );
  assertHas(render("logout", "done"), /You are logged out/, /href="https:\/\/app\.example\.com\/"/);
  assert.doesNotMatch(render("logout", "none"), /<form|<a /);
});

test("the home page names the product, links to discovery and shows a session", () => {
  assertHas(
    render("home", "signedOut"),
    /Dex IdP/,
    /href="https:\/\/id\.example\.com\/dex\/\.well-known\/openid-configuration" class="dex-home__link"/,
    hasClass("dex-home"),
    hasClass("dex-home__empty"),
  );
  const signedIn = render("home", "signedIn");
  for (const name of [
    "dex-identity",
    "dex-identity__name",
    "dex-identity__email",
    "dex-facts",
    "dex-fact",
    "dex-groups",
    "dex-count",
    "dex-fact__long",
    "dex-home__actions",
    "dex-home__footer",
  ]) {
    assert.match(signedIn, hasClass(name));
  }
  assertHas(
    signedIn,
    /<time datetime="2026-07-28T09:05:00Z">28 Jul 2026, 09:05 UTC<\/time>/,
    /href="https:\/\/id\.example\.com\/dex\/logout"/,
    /<span class="dex-count">14</,
  );
  assertHas(render("home", "sparse"), /dex-identity__state--warn/);
});

test("the device pages keep their contract", () => {
  assertHas(
    render("device", "usual"),
    /<input id="user_code" name="user_code"[^>]* placeholder="XXXX-XXXX"[^>]* autocapitalize="characters"/,
    /<button id="submit-login"/,
  );
  assertHas(render("device", "invalid"), /id="login-error"/, /value="BCDF-GHJK"/);
  assertHas(render("deviceResult", "usual"), /kubelogin/);
});

test("forwarding pages post hidden fields and have a button", () => {
  assertHas(
    render("forward", "saml"),
    /method="post" action="https:\/\/idp\.example\.com\/sso"/,
    /name="SAMLRequest" value="PHNhbWw\+"/,
    /name="RelayState" value="abc"/,
    /<button id="continue" type="submit"/,
  );
  assertHas(render("forward", "client"), /name="code" value="abc"/, /name="state" value="&#34;&#39;&lt;&amp;&gt;"/);
});

test("a dark theme is dark before its sheet arrives; a custom theme decides for itself", () => {
  assert.match(render("login", "usual"), /<meta name="color-scheme" content="light dark">/);
  assert.match(
    render("login", "usual", { ...sampleContext, theme: "dark" }),
    /<meta name="color-scheme" content="dark">/,
  );
  assert.doesNotMatch(render("login", "usual", { ...sampleContext, theme: "acme" }), /color-scheme/);
});
