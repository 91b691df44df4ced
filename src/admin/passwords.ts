import { bcryptCost } from "../kernel/bcrypt-cost.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { DexMethods } from "./api-messages.ts";
import type { Methods } from "./contract.ts";
import { demand, doing, Refusal } from "./refusal.ts";
import { revokePerson } from "./sessions.ts";

/** The people of the built-in password database. */
export const passwordMethods: Pick<
  Methods<DexMethods>,
  "CreatePassword" | "UpdatePassword" | "DeletePassword" | "ListPasswords" | "VerifyPassword"
> = {
  async CreatePassword({ password: asked }, { storage }) {
    demand(asked, "no password supplied");
    demand(asked.user_id, "no user ID supplied");
    demand(asked.hash, "no hash of password supplied");
    checkCost(asked.hash);
    try {
      await storage.passwords.create({
        email: asked.email.toLowerCase(),
        hash: new Secret(asked.hash),
        username: asked.username,
        name: "",
        preferredUsername: "",
        userId: asked.user_id,
        groups: [],
      });
    } catch (error) {
      if (error instanceof AlreadyExistsError) return { already_exists: true };
      return doing("create password", Promise.reject(error));
    }
    return { already_exists: false };
  },

  async UpdatePassword({ email, new_hash: hash, new_username: username }, { storage }) {
    demand(email, "no email supplied");
    if (hash.length === 0 && username === "") throw new Refusal("nothing to update");
    if (hash.length > 0) checkCost(hash);
    const changed = await doing(
      "update password",
      storage.passwords.update(email.toLowerCase(), (known) => ({
        ...known,
        hash: hash.length > 0 ? new Secret<Uint8Array>(hash) : known.hash,
        username: username || known.username,
      })),
    );
    return { not_found: changed === undefined };
  },

  async DeletePassword({ email }, deps) {
    demand(email, "no email supplied");
    const { passwords } = deps.storage;
    const known = await doing("delete password", passwords.get(email.toLowerCase()));
    if (!(await doing("delete password", passwords.delete(email.toLowerCase())))) return { not_found: true };
    // Whoever had it is signed in nowhere any more; Dex lets their sessions and tokens go on.
    if (known !== undefined) {
      await doing("revoke tokens", revokePerson({ userId: known.userId, connectorId: "local" }, deps));
    }
    return { not_found: false };
  },

  async ListPasswords(_request, { storage }) {
    const passwords = await doing("list passwords", storage.passwords.list());
    return {
      passwords: passwords.map(({ email, username, userId }) => ({
        email,
        hash: Buffer.alloc(0),
        username,
        user_id: userId,
      })),
    };
  },

  async VerifyPassword({ email, password }, { storage, bcrypt, attempts }, call) {
    demand(email, "no email supplied");
    demand(password, "no password to verify supplied");
    // The caller speaks for many people: its own address says nothing.
    const attempt = await attempts.begin({ kind: "password", connectorId: "local", username: email }, {}, call);
    try {
      const known = await doing("verify password", storage.passwords.get(email.toLowerCase()));
      // Who does not exist costs the same, or the time of an answer would tell.
      const hash = known === undefined ? nobodysHash : Buffer.from(known.hash.reveal()).toString("latin1");
      const isRight = await matches(bcrypt.compare(new Secret(password), hash, call.signal));
      const verified = isRight && known !== undefined;
      if (verified) await attempt.right();
      else attempt.wrong();
      return { verified, not_found: known === undefined };
    } catch (error) {
      await attempt.unmade();
      throw error;
    }
  },
};

/** No password has this hash. */
const nobodysHash = `$2a$10$${".".repeat(22 + 31)}`;

/** compat(dex): what is no hash matches nothing, and is no failure of the call. */
async function matches(comparison: Promise<boolean>): Promise<boolean> {
  try {
    return await comparison;
  } catch (error) {
    if (error instanceof UnavailableError || (error instanceof Error && error.name === "AbortError")) throw error;
    return false;
  }
}

const leastCost = 10;
const mostCost = 16;

/** compat(dex): cheaper ones are broken too soon, dearer ones stop the server. */
function checkCost(hash: Uint8Array): void {
  let cost: number;
  try {
    cost = bcryptCost(Buffer.from(hash).toString("latin1"));
  } catch (cause) {
    throw new Refusal(`parsing bcrypt hash: ${cause instanceof Error ? cause.message : "no hash"}`, { cause });
  }
  if (cost < leastCost)
    throw new Refusal(`given hash cost = ${cost} does not meet minimum cost requirement = ${leastCost}`);
  if (cost > mostCost)
    throw new Refusal(`given hash cost = ${cost} is above upper bound cost = ${mostCost}, recommended cost = 12`);
}
