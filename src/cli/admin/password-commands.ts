import { createBcryptPool } from "../../kernel/bcrypt-pool.ts";
import { Secret } from "../../kernel/secret.ts";
import { CommandError } from "../terminal.ts";
import { type AdminCommand, exitCodes, notFound, unlessMissing } from "./contract.ts";
import { demandSecret, readSecret, secretFlags } from "./read-secret.ts";

const cost = { kind: "text", summary: "bcrypt cost of the hash, 10 to 16 (default 10)" } as const;

export const passwordCommands: readonly AdminCommand[] = [
  {
    words: "password list",
    summary: "List the people of the built-in database",
    args: [],
    flags: {},
    async run({ dex }) {
      const answer = await dex.ListPasswords();
      const rows = answer.passwords.map(({ email, username, user_id: id }) => [email, username, id]);
      return { answer, table: { head: ["EMAIL", "USERNAME", "USER ID"], rows } };
    },
  },
  {
    words: "password create",
    summary: "Create a person; the password is asked for and hashed here",
    args: ["email"],
    flags: {
      username: { kind: "text", summary: "Name of the person" },
      "user-id": { kind: "text", summary: "Id of the person, which never changes (default: the email)" },
      cost,
      ...secretFlags("password"),
    },
    async run({ dex }, given) {
      const [email = ""] = given.args;
      const hash = await hashOf(await demandSecret("password", given), given.text("cost"));
      const password = { email, hash, username: given.text("username"), user_id: given.text("user-id") || email };
      const answer = await dex.CreatePassword({ password });
      return answer.already_exists
        ? { answer, said: `${email} exists already`, code: exitCodes.alreadyExists }
        : { answer, said: `${email} created` };
    },
  },
  {
    words: "password update",
    summary: "Change a password, a name, or both",
    args: ["email"],
    flags: { username: { kind: "text", summary: "The new name" }, cost, ...secretFlags("password") },
    async run({ dex }, given) {
      const [email = ""] = given.args;
      const secret =
        given.text("username") === "" ? await demandSecret("password", given) : await readSecret("password", given);
      const hash = secret === "" ? {} : { new_hash: await hashOf(secret, given.text("cost")) };
      const answer = await dex.UpdatePassword({ email, ...hash, new_username: given.text("username") });
      return unlessMissing(answer, email, `${email} updated`);
    },
  },
  {
    words: "password delete",
    summary: "Delete a person",
    args: ["email"],
    flags: {},
    async run({ dex }, { args: [email = ""] }) {
      return unlessMissing(await dex.DeletePassword({ email }), email, `${email} deleted`);
    },
  },
  {
    words: "password verify",
    summary: "Say whether a password is right: exit code 0 or 1",
    args: ["email"],
    flags: secretFlags("password"),
    async run({ dex }, given) {
      const [email = ""] = given.args;
      const answer = await dex.VerifyPassword({ email, password: await demandSecret("password", given) });
      if (answer.not_found) return notFound(answer, email);
      return answer.verified
        ? { answer, said: "the password is right" }
        : { answer, said: "the password is wrong", code: exitCodes.notVerified };
    },
  },
];

async function hashOf(password: string, costText: string): Promise<Uint8Array> {
  const rounds = Number(costText || "10");
  if (!Number.isInteger(rounds) || rounds < 10 || rounds > 16) throw new CommandError("--cost is 10 to 16");
  const pool = createBcryptPool({ threads: 1, maxQueue: 1 });
  try {
    return Buffer.from(await pool.hash(new Secret(password), rounds));
  } finally {
    await pool.close();
  }
}
