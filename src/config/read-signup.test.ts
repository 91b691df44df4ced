import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "./config.ts";

const base =
  "issuer: http://127.0.0.1:5556\nstorage: {type: memory}\nweb: {http: 127.0.0.1:0}\nenablePasswordDB: true\n";
const mail = (more: string) => `${base}mail: {from: a@example.com, host: smtp.example.com${more}}`;

async function mistakesOf(source: string, env: Readonly<Record<string, string>> = {}) {
  const loaded = await loadConfig(source, { env });
  return loaded.ok ? [] : loaded.mistakes.map(({ path }) => path);
}

async function mailOf(source: string, env: Readonly<Record<string, string>> = {}) {
  const loaded = await loadConfig(source, { env });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config.mail;
}

test("sign-up needs the password database", async () => {
  assert.deepEqual(await mistakesOf(`${base.replace("true", "false")}enableSignup: true`), ["enableSignup"]);
  assert.deepEqual(await mistakesOf(`${base}enableSignup: true`), []);
});

test("an address is confirmed or assumed, not both", async () => {
  const source = `${mail("")}\nsignup: {assumeEmailVerified: true}`;
  assert.deepEqual(await mistakesOf(source), ["signup.assumeEmailVerified"]);
});

test("the mail server's port follows its TLS", async () => {
  assert.deepEqual([(await mailOf(mail("")))?.port, (await mailOf(mail("")))?.tls], [587, "starttls"]);
  assert.equal((await mailOf(mail(", tls: implicit")))?.port, 465);
  assert.equal((await mailOf(mail(", port: 2525")))?.port, 2525);
});

test("a password goes to no other machine in clear, and is not forgotten", async () => {
  assert.deepEqual(await mistakesOf(mail(", tls: none, username: u, password: p")), ["mail.tls"]);
  assert.deepEqual(await mistakesOf(mail(", username: u, passwordEnv: SMTP_PASSWORD")), ["mail.passwordEnv"]);
  const env = { SMTP_PASSWORD: "from outside" };
  const read = await mailOf(mail(", username: u, passwordEnv: SMTP_PASSWORD"), env);
  assert.equal(read?.password.reveal(), "from outside");
});

test("a sender is one address, and no header begins in it", async () => {
  const from = async (text: string) => mailOf(`${base}mail: {host: h, from: ${JSON.stringify(text)}}`);
  assert.deepEqual((await from("Example SSO <a@example.com>"))?.from, {
    name: "Example SSO",
    address: "a@example.com",
  });
  assert.deepEqual((await from("a@example.com"))?.from, { name: "", address: "a@example.com" });
  for (const bad of ["", "nobody", "a@b, c@d", "A <a@b> <c@d>", "A\nBcc: c@d <a@b>", "A <a@b\r\nBcc: c@d>"]) {
    assert.deepEqual(await mistakesOf(`${base}mail: {host: h, from: ${JSON.stringify(bad)}}`), ["mail.from"], bad);
  }
});
