/**
 * The built-in password database as a connector: `staticPasswords` and what the API stores. It is opened by the
 * server, not from `connectors`, since it needs our own storage.
 */
import type { BcryptPool } from "../../kernel/bcrypt-pool.ts";
import type { Collection } from "../../storage/contract.ts";
import type { Password } from "../../storage/records.ts";
import type { Identity, PasswordConnector } from "../contract.ts";

export interface LocalDeps {
  readonly passwords: Pick<Collection<string, Password>, "get">;
  readonly bcrypt: Pick<BcryptPool, "compare">;
}

/** compat(dex): outside of these a hash is a fault of the operator, not a wrong password (server/passwords). */
const leastCost = 10;
const mostCost = 16;

/**
 * No password has this hash; comparing with it makes an unknown user cost what a known one costs. It must be
 * well-formed to the character, 22 of salt and 31 of digest: a malformed one is refused without any work.
 */
const nobodysHash = (cost: number): string => `$2a$${cost}$${".".repeat(22 + 31)}`;

const wrong = { ok: false, reason: "wrong_credentials" } as const;

export function openLocal({ passwords, bcrypt }: LocalDeps): PasswordConnector {
  // Of whoever was asked about last: where an operator hashes at 12, nobody at 10 would be told by a quarter of the time.
  let usualCost = leastCost;
  return {
    kind: "password",
    prompt: "Email Address",
    async login(username, secret, { signal }) {
      const known = await passwords.get(username.toLowerCase());
      const hash = known === undefined ? nobodysHash(usualCost) : hashOf(known);
      usualCost = costOf(hash);
      const matches = await bcrypt.compare(secret, hash, signal);
      return matches && known !== undefined ? { ok: true, identity: identityOf(known) } : wrong;
    },
    needsNoData: true,
    async refresh(identity) {
      const known = await passwords.get((identity.email ?? "").toLowerCase());
      if (known === undefined || known.userId !== identity.userId) return { ok: false, reason: "gone" };
      const email = identity.email;
      return { ok: true, identity: { ...identityOf(known), ...(email === undefined ? {} : { email }) } };
    },
  };
}

/** The stored hash as text. @throws {Error} It is no bcrypt hash, or one too cheap or too dear to compare. */
function hashOf(password: Password): string {
  const text = Buffer.from(password.hash.reveal()).toString("latin1");
  const cost = costOf(text);
  if (Number.isNaN(cost)) throw new Error("parsing bcrypt hash: not a bcrypt hash");
  if (cost < leastCost)
    throw new Error(`given hash cost = ${cost} does not meet minimum cost requirement = ${leastCost}`);
  if (cost > mostCost)
    throw new Error(`given hash cost = ${cost} is above upper bound cost = ${mostCost}, recommended cost = 12`);
  return text;
}

/** NaN: it is no bcrypt hash. */
const costOf = (hash: string): number => Number(/^\$2[a-z]?\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1] ?? Number.NaN);

function identityOf(password: Password): Identity {
  const { userId, preferredUsername, email, groups } = password;
  return {
    userId,
    username: password.name === "" ? password.username : password.name,
    ...(preferredUsername === "" ? {} : { preferredUsername }),
    email,
    emailVerified: password.emailVerified ?? true,
    groups,
  };
}
