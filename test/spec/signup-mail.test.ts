/** Mails to people of the built-in database, and what their links do: confirmation, forgotten passwords, changes. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { makeTestTls } from "../fake/certificates.ts";
import { fakeCollector } from "../fake/otlp-collector.ts";
import { type CaughtMail, fakeSmtp, linkIn } from "../fake/smtp.ts";
import { addPasskey, passkey, signIn } from "./passkeys.ts";
import {
  assertPage,
  assertRefused,
  assertTold,
  authorize,
  codeOf,
  redeem,
  refresh,
  unescapeHtml,
  userinfo,
} from "./relying-party.ts";
import { issuer, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const tls = makeTestTls();
const smtp = await fakeSmtp({
  tls: { key: tls.serverKey, cert: tls.serverCert },
  login: { user: "dex", pass: "mail secret" },
});
const plain = await fakeSmtp();

const hash = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";
const base = {
  enablePasswordDB: true,
  enableSignup: true,
  connectors: [],
  signup: { maxPerHour: 10_000 },
  frontend: { issuer: "Example SSO" },
  staticPasswords: [{ email: "admin@example.com", hash, username: "admin", userID: "1" }],
};
const mailTo = (port: number, more = {}) => ({
  from: "Example SSO <no-reply@example.com>",
  host: "localhost",
  port,
  rootCA: tls.caFile,
  ...more,
});
const server = await startServerUnderTest(
  {
    ...base,
    mfa: { authenticators: [passkey] },
    mail: mailTo(smtp.port, { username: "dex", password: "mail secret" }),
  },
  { sessions: true },
);
const downgraded = await startServerUnderTest({ ...base, mail: mailTo(plain.port) });
after(async () => {
  await Promise.all([server.close(), downgraded.close()]);
  await Promise.all([smtp.close(), plain.close()]);
  tls.remove();
});

let people = 0;
const newAddress = (mailbox = "person"): string => `${mailbox}${++people}@example.com`;
const csrfOf = ({ body }: Answer): string => unescapeHtml(/name="csrf" value="([^"]*)"/.exec(body)?.[1] ?? "");
const password = "correct horse";

async function signUp(email: string, more: Readonly<Record<string, string>> = {}, headers = {}): Promise<Answer> {
  const agent = server.newAgent();
  const page = await agent.get("/signup");
  const form = { csrf: csrfOf(page), email, username: "Ada", password, ...more };
  return agent.ask("/signup", { method: "POST", form, headers });
}

const scope = "openid email profile offline_access";
async function logIn(agent: UserAgent, login: string, typed: string, headers = {}): Promise<Answer> {
  const page = await authorize(agent, { scope, prompt: "login" });
  return agent.ask(page.url.href, { method: "POST", form: { login, password: typed }, headers });
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

async function tokensOf(agent: UserAgent, login: string, typed = password): Promise<Tokens> {
  return JSON.parse((await redeem(agent, codeOf(await logIn(agent, login, typed)))).body) as Tokens;
}

async function claimsOf(login: string, typed = password): Promise<Record<string, unknown>> {
  const agent = server.newAgent();
  const { access_token: token } = await tokensOf(agent, login, typed);
  return JSON.parse((await userinfo(agent, token)).body) as Record<string, unknown>;
}

/** Opens a link as its person does: looks at the page and presses its button. */
async function press(link: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const agent = server.newAgent();
  const page = await agent.get(link);
  assert.equal(page.status, 200, page.body);
  const token = unescapeHtml(/name="token" value="([^"]*)"/.exec(page.body)?.[1] ?? "");
  const action = unescapeHtml(/<form method="post" action="([^"]*)"/.exec(page.body)?.[1] ?? "");
  return agent.post(new URL(action, issuer).href, { token, ...fields });
}

async function forget(email: string, headers = {}, back = ""): Promise<Answer> {
  const agent = server.newAgent();
  const page = await agent.get("/password/forgot");
  return agent.ask("/password/forgot", { method: "POST", form: { csrf: csrfOf(page), email, back }, headers });
}

async function resetMail(email: string, headers = {}): Promise<CaughtMail> {
  // Not to be taken for the mail about the new account, which may still be on its way.
  await smtp.next(email);
  const before = smtp.mails.length;
  await forget(email, headers);
  return smtp.next(email, before);
}

describe("a new account's address", () => {
  it("is confirmed by the button behind the mailed link, once, and email_verified is true from then on", async () => {
    const email = newAddress();
    assert.equal((await signUp(email)).status, 200);
    assert.equal((await claimsOf(email)).email_verified, false);
    const mail = await smtp.next(email);
    assert.deepEqual([mail.from, mail.user, mail.isEncrypted], ["no-reply@example.com", "dex", true]);
    assert.match(mail.headers, /^Subject: Confirm your address for Example SSO\r?$/m);
    assert.match(mail.headers, /^From: Example SSO <no-reply@example.com>\r?$/m);
    assert.match(mail.headers, /^Auto-Submitted: auto-generated\r?$/m);
    const link = linkIn(mail);
    assert.ok(link.startsWith(`${issuer}/signup/verify?token=`), link);
    // A mail scanner follows it.
    await server.newAgent().get(link);
    assert.equal((await claimsOf(email)).email_verified, false);
    const done = await press(link);
    assert.match(done.body, /Your address is confirmed/);
    assert.equal((await claimsOf(email)).email_verified, true);
    assert.match((await server.newAgent().get(link)).body, /This link does not work any more/);
  });

  it("leads on into the login that the person came from", async () => {
    const email = newAddress();
    const agent = server.newAgent();
    const login = await authorize(agent);
    const back = login.url.pathname + login.url.search;
    assert.equal((await signUp(email, { back })).headers.location, back);
    const done = await press(linkIn(await smtp.next(email)));
    assert.equal(unescapeHtml(/id="continue" href="([^"]*)"/.exec(done.body)?.[1] ?? ""), back);
  });

  it("that belongs to somebody else: they delete the account, and may make their own", async () => {
    const email = newAddress();
    await signUp(email);
    const stranger = server.newAgent();
    const tokens = await tokensOf(stranger, email);
    const done = await press(linkIn(await smtp.next(email)), { action: "reject" });
    assert.match(done.body, /The account is deleted/);
    assert.equal((await logIn(server.newAgent(), email, password)).status, 401);
    // Whoever made it is signed in nowhere any more.
    assertTold(await authorize(stranger, { prompt: "none" }), { error: "login_required", state: "a state" });
    assert.equal((await userinfo(stranger, tokens.access_token)).status, 401);
    assertRefused(await refresh(stranger, tokens.refresh_token), "invalid_grant");
    assert.equal((await signUp(email)).status, 200);
  });

  it("is asked in the person's language, and nothing that they typed is mailed", async () => {
    const email = newAddress();
    await signUp(email, { username: "Buy cheap pills at evil.example" }, { "accept-language": "de" });
    const mail = await smtp.next(email);
    assert.match(mail.text, /Öffnen Sie diesen Link/);
    assert.match(mail.headers, /^Content-Language: de\r?$/m);
    assert.doesNotMatch(mail.raw, /pills/);
  });
});

describe("a forgotten password", () => {
  it("is replaced once; sessions, refresh tokens and other links end", async () => {
    const email = newAddress();
    await signUp(email);
    const signedIn = server.newAgent();
    const tokens = await tokensOf(signedIn, email);
    const [first, second] = [linkIn(await resetMail(email)), linkIn(await resetMail(email))];
    assertPage(await press(first, { password: "short" }), 400);
    const before = smtp.mails.length;
    assert.match((await press(first, { password: "another horse" })).body, /Your new password is set/);
    assertRefused(await refresh(signedIn, tokens.refresh_token), "invalid_grant");
    assert.equal((await userinfo(signedIn, tokens.access_token)).status, 401);
    assert.equal((await signedIn.get("/account")).status, 303, "the session has ended");
    for (const link of [first, second])
      assert.match((await server.newAgent().get(link)).body, /does not work any more/);
    assert.equal((await logIn(server.newAgent(), email, password)).status, 401);
    assert.equal((await claimsOf(email, "another horse")).email_verified, true, "the mailbox is proved");
    assert.match((await smtp.next(email, before)).text, /password of your account at Example SSO was changed/);
  });

  it("is asked for at the same cost, and answered alike, whether or not there is such an account", async (t) => {
    const collector = await fakeCollector();
    t.after(() => collector.close());
    const telemetry = { traces: { endpoint: collector.url } };
    const traced = await startServerUnderTest({ ...base, mail: mailTo(plain.port), telemetry });
    const visitor = traced.newAgent();
    const signup = {
      csrf: csrfOf(await visitor.get("/signup")),
      email: "known@example.com",
      username: "Ada",
      password,
    };
    assert.equal((await visitor.post("/signup", signup)).status, 200);
    // In the file, where nobody can be helped by mail; in the database; nowhere.
    const answers = [];
    for (const email of ["admin@example.com", "known@example.com", "other@example.com"]) {
      const agent = traced.newAgent();
      const page = await agent.get("/password/forgot");
      const { status, body, headers } = await agent.post("/password/forgot", { csrf: csrfOf(page), email });
      const { "x-trace-id": trace, date: _date, ...rest } = headers;
      answers.push({ trace, seen: { status, body: body.replaceAll(String(trace), ""), rest } });
    }
    await traced.close();
    const worked = answers.map(({ trace }) =>
      collector.spans
        .filter(({ traceId }) => traceId === trace)
        .map(({ name, facts }) => [name, facts["db.collection.name"] ?? ""]),
    );
    assert.deepEqual(worked[0], [
      ["storage.create", "mailDeliveries"],
      ["POST /password/forgot", ""],
    ]);
    for (const at of [1, 2]) {
      assert.deepEqual(worked[at], worked[0]);
      assert.deepEqual(answers[at]?.seen, answers[0]?.seen);
    }
  });

  it("by twenty requests with one link at once is replaced once", async () => {
    const email = newAddress();
    await signUp(email);
    const token = new URL(linkIn(await resetMail(email))).searchParams.get("token") ?? "";
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        server.newAgent().post("/password/reset", { token, password: `password of ${i}` }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    const winner = answers.findIndex(({ status }) => status === 200);
    assert.equal((await claimsOf(email, `password of ${winner}`)).email, email);
  });

  it("makes its browser a known one: who guesses elsewhere keeps nobody from the login that follows", async () => {
    const email = newAddress();
    await signUp(email);
    const link = new URL(linkIn(await resetMail(email)));
    const thief = server.newAgent();
    for (let i = 0; i < 5; i++) assert.equal((await logIn(thief, email, `guess ${i}`)).status, 401);
    const [owner, other] = [server.newAgent(), server.newAgent()];
    assertPage(await logIn(owner, email, password), 429);
    const token = link.searchParams.get("token") ?? "";
    assert.equal((await owner.post("/password/reset", { token, password: "second horse" })).status, 200);
    assert.equal((await logIn(owner, email, "second horse")).status, 303);
    assertPage(await logIn(other, email, "second horse"), 429);
  });

  it("says the same for every address, known or not, and mails only people that can be changed", async () => {
    const known = newAddress();
    await signUp(known);
    const masked = ({ status, headers, body }: Answer) => [status, headers["content-type"], body];
    const before = smtp.mails.length;
    const first = await forget(known);
    for (const email of [newAddress("unknown"), "admin@example.com", "not an address"]) {
      assert.deepEqual(masked(await forget(email)), masked(first));
    }
    await smtp.next(known, before);
    assert.deepEqual(
      smtp.asked.filter((to) => to.startsWith("unknown") || to.startsWith("admin")),
      [],
    );
  });

  it("is linked by the configured issuer, whatever the request calls us (host header poisoning)", async () => {
    const email = newAddress();
    await signUp(email);
    const mail = await resetMail(email, {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      forwarded: "host=evil.example",
    });
    assert.ok(linkIn(mail).startsWith(`${issuer}/password/reset?token=`));
    assert.doesNotMatch(mail.raw, /evil/);
  });

  it("adds no header and no recipient by what is typed as an address", async () => {
    const email = newAddress();
    await signUp(email);
    const before = smtp.asked.length;
    for (const typed of [
      `${email}\r\nBcc: evil@example.com`,
      `${email},evil@example.com`,
      `evil@example.com <${email}>`,
    ]) {
      await forget(typed);
    }
    await smtp.next(email, smtp.mails.length - 1).catch(() => undefined);
    assert.deepEqual(
      smtp.asked.slice(before).filter((to) => to !== email),
      [],
    );
  });

  it("is mailed three times in a quarter of an hour, then not until later", async () => {
    const email = newAddress();
    await signUp(email);
    await smtp.next(email);
    const before = smtp.mails.length;
    for (let i = 0; i < 6; i++) assert.equal((await forget(email)).status, 200);
    const sent = () => smtp.mails.slice(before).filter((mail) => mail.to.includes(email)).length;
    // Who asks is answered first; mails are written afterwards.
    for (const began = performance.now(); sent() < 3 && performance.now() - began < 10_000; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    const other = newAddress();
    await signUp(other);
    await smtp.next(other);
    assert.equal(sent(), 3);
  });

  it("has a link for one purpose and one hour", async () => {
    const email = newAddress();
    await signUp(email);
    const verify = new URL(linkIn(await smtp.next(email))).searchParams.get("token") ?? "";
    const answer = await server.newAgent().post("/password/reset", { token: verify, password: "stolen horse" });
    assertPage(answer, 400);
    await server.clock.advance(60 * 60_000);
    const link = linkIn(await resetMail(email));
    await server.clock.advance(3_600_001);
    assertPage(await server.newAgent().get(link), 400);
  });
});

describe("the account page", () => {
  const opened = async (email: string) => {
    const agent = server.newAgent();
    await tokensOf(agent, email);
    return agent;
  };
  const change = async (agent: UserAgent, path: string, fields: Readonly<Record<string, string>>) =>
    agent.post(path, { csrf: csrfOf(await agent.get(path)), ...fields });

  it("changes the password of who has just logged in, and ends all other sessions", async () => {
    const email = newAddress();
    await signUp(email);
    const [here, there] = [await opened(email), await opened(email)];
    assert.match(
      (await here.get("/account")).body,
      /href="\/dex\/account\/password"[\s\S]*href="\/dex\/account\/email"/,
    );
    assert.match(
      (await change(here, "/account/password", { password: "second horse" })).body,
      /Your password is changed/,
    );
    assert.equal((await here.get("/account")).status, 200);
    assert.equal((await there.get("/account")).status, 303);
    assert.equal((await claimsOf(email, "second horse")).email, email);
  });

  it("asks for the current password later, and stops guesses at it", async () => {
    const email = newAddress();
    await signUp(email);
    const agent = await opened(email);
    await server.clock.advance(5 * 60_000 + 1);
    assertPage(await change(agent, "/account/password", { password: "second horse" }), 400);
    assertPage(await change(agent, "/account/password", { current: "wrong", password: "second horse" }), 400);
    const changed = await change(agent, "/account/password", { current: password, password: "second horse" });
    assert.match(changed.body, /Your password is changed/);
    for (let i = 0; i < 12; i++)
      await change(agent, "/account/password", { current: `guess ${i}`, password: "third horse" });
    const late = await change(agent, "/account/password", { current: "second horse", password: "third horse" });
    assert.match(late.body, /Too many attempts/);
  });

  it("changes the address once the new one says yes, and tells the old one", async () => {
    const [email, wanted] = [newAddress(), newAddress("new")];
    await signUp(email);
    const agent = await opened(email);
    assert.match((await change(agent, "/account/email", { email: wanted })).body, /Look into your new mailbox/);
    const link = linkIn(await smtp.next(wanted));
    const before = smtp.mails.length;
    assert.match((await press(link)).body, /Your email address is changed/);
    assert.match((await smtp.next(email, before)).text, /now belongs to another email address/);
    assert.equal((await agent.get("/account")).status, 303);
    assert.equal((await logIn(server.newAgent(), email, password)).status, 401);
    const claims = await claimsOf(wanted);
    assert.deepEqual([claims.email, claims.email_verified], [wanted, true]);
  });

  it("leaves the passkey its person, who then has the new address", async () => {
    const [email, wanted] = [newAddress(), newAddress("new")];
    await signUp(email);
    const agent = await opened(email);
    const device = await addPasskey(agent);
    await change(agent, "/account/email", { email: wanted });
    await press(linkIn(await smtp.next(wanted)));
    const next = server.newAgent();
    const answer = await next.follow(await signIn(next, await authorize(next, { scope }), device));
    const { access_token: token } = JSON.parse((await redeem(next, codeOf(answer))).body) as Tokens;
    const claims = JSON.parse((await userinfo(next, token)).body) as Record<string, unknown>;
    assert.deepEqual([claims.email, claims.email_verified], [wanted, true]);
  });

  it("takes nobody's address, and does not say that it is taken", async () => {
    const [email, taken] = [newAddress(), newAddress()];
    await signUp(email);
    await signUp(taken);
    const agent = await opened(email);
    await smtp.next(taken);
    const before = smtp.asked.length;
    assert.match((await change(agent, "/account/email", { email: taken })).body, /If the address is free/);
    await signUp(newAddress("marker"));
    await smtp.next(`marker${people}@example.com`);
    assert.ok(!smtp.asked.slice(before).includes(taken));
  });

  it("does nothing for a form of another session (CSRF)", async () => {
    const [mine, theirs] = [newAddress(), newAddress()];
    await signUp(mine);
    await signUp(theirs);
    const [agent, other] = [await opened(mine), await opened(theirs)];
    const csrf = csrfOf(await other.get("/account/password"));
    assertPage(await agent.post("/account/password", { csrf, password: "stolen horse" }), 403);
    assertPage(await agent.post("/account/email", { csrf, email: newAddress() }), 403);
  });

  it("changes nobody of the configuration file", async () => {
    const agent = server.newAgent();
    await logIn(agent, "admin@example.com", "password");
    const answer = await change(agent, "/account/password", { password: "second horse" });
    assert.equal(answer.status, 400);
    assert.match(answer.body, /set up by the administrator/);
    assert.equal((await change(agent, "/account/email", { email: newAddress() })).status, 400);
  });
});

describe("a login from a new device", () => {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  const newer = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";
  const phone =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

  it("is told by mail, but not the first one, nor one that is known", async () => {
    const email = newAddress();
    await signUp(email);
    await smtp.next(email);
    const before = smtp.mails.length;
    for (const agent of [firefox, newer, phone, phone, firefox]) {
      await logIn(server.newAgent(), email, password, { "user-agent": agent });
    }
    const notice = await smtp.next(email, before);
    assert.match(notice.text, /device that is new to us/);
    assert.match(notice.text, /Safari · iPhone/);
    await signUp(newAddress("marker"));
    await smtp.next(`marker${people}@example.com`);
    assert.equal(smtp.mails.slice(before).filter((mail) => mail.to.includes(email)).length, 1);
  });

  it("is told once, however many logins come from it at once", async () => {
    const email = newAddress();
    await signUp(email);
    await smtp.next(email);
    await logIn(server.newAgent(), email, password, { "user-agent": firefox });
    const before = smtp.mails.length;
    const here = { "user-agent": phone };
    await Promise.all(Array.from({ length: 10 }, () => logIn(server.newAgent(), email, password, here)));
    await smtp.next(email, before);
    await signUp(newAddress("marker"));
    await smtp.next(`marker${people}@example.com`);
    assert.equal(smtp.mails.slice(before).filter((mail) => mail.to.includes(email)).length, 1);
  });

  it("is told when the password was right, whether or not a second factor follows", async (t) => {
    const inbox = await fakeSmtp();
    t.after(() => inbox.close());
    const clear = { from: "no-reply@example.com", host: "127.0.0.1", port: inbox.port, tls: "none" };
    const mfa = { authenticators: [{ id: "totp", type: "TOTP", config: {} }], defaultMFAChain: ["totp"] };
    const strict = await startServerUnderTest({ ...base, mail: clear, mfa }, { sessions: true });
    let isOpen = true;
    t.after(() => (isOpen ? strict.close() : undefined));
    const email = newAddress();
    const visitor = strict.newAgent();
    const csrf = csrfOf(await visitor.get("/signup"));
    await visitor.post("/signup", { csrf, email, username: "Ada", password });
    await inbox.next(email);
    const stops = async (browser: string): Promise<void> => {
      const { location } = await logIn(strict.newAgent(), email, password, { "user-agent": browser });
      assert.match(location?.pathname ?? "", /\/mfa\/totp$/);
    };
    await stops(firefox);
    const before = inbox.mails.length;
    await stops(phone);
    await stops(phone);
    assert.match((await inbox.next(email, before)).text, /password of your account[\s\S]*Safari · iPhone/);
    isOpen = false;
    await strict.close();
    assert.equal(inbox.mails.filter(({ to, text }) => to.includes(email) && /Safari/.test(text)).length, 1);
  });
});

describe("the outbox", () => {
  it("tries again after 451, gives up after 550, and is not held up by either", async () => {
    const [grey, bounce, slow, usual] = ["greylist", "bounce", "slow", "person"].map(newAddress);
    for (const email of [grey, bounce, slow, usual]) await signUp(email ?? "");
    await smtp.next(usual ?? "");
    await smtp.next(slow ?? "");
    assert.equal(smtp.mails.filter((mail) => mail.to.includes(grey ?? "")).length, 0);
    await server.clock.advance(2 * 60_000);
    await smtp.next(grey ?? "");
    assert.equal(smtp.asked.filter((to) => to === bounce).length, 1);
    assert.ok(server.log.some((line) => line.includes("mail dropped: the server refuses it")));
  });

  it("sends nothing in clear to a server that offers no STARTTLS", async () => {
    const agent = downgraded.newAgent();
    const page = await agent.get("/signup");
    const email = newAddress();
    await agent.post("/signup", { csrf: csrfOf(page), email, username: "Ada", password });
    for (let tries = 0; tries < 200; tries++) {
      if (downgraded.log.some((line) => line.includes("mail server did not take a mail"))) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.ok(downgraded.log.some((line) => line.includes("mail server did not take a mail")));
    assert.deepEqual([plain.mails.length, plain.asked.length], [0, 0]);
  });

  it("tells the log no link", () => {
    assert.ok(!server.log.some((line) => line.includes("token=")));
  });
});
