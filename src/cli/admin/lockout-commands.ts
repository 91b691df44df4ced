import { type AdminCommand, unlessMissing } from "./contract.ts";
import { timeOf } from "./print.ts";

/** Accounts that wait after wrong passwords or codes. Who was blocked by an administrator is under `user`. */
export const lockoutCommands: readonly AdminCommand[] = [
  {
    words: "lockout list",
    summary: "List accounts that wait after too many wrong passwords or codes",
    args: [],
    flags: {},
    async run({ admin }) {
      const answer = await admin.ListLockedAccounts();
      const rows = answer.accounts.map((each) => [
        each.connector_id,
        each.name,
        each.kind,
        each.known_device ? "one browser" : "all but known browsers",
        String(each.failures),
        timeOf(each.locked_until),
      ]);
      return { answer, table: { head: ["CONNECTOR", "NAME", "SECRET", "WHO WAITS", "WRONG", "LOCKED UNTIL"], rows } };
    },
  },
  {
    words: "lockout lift",
    summary: "Let an account be tried again at once",
    args: ["connector", "name"],
    flags: {},
    async run({ admin }, { args: [connector = "", name = ""] }) {
      const answer = await admin.UnlockAccount({ connector_id: connector, name });
      return unlessMissing(answer, `a lock of ${name} at ${connector}`, `${name} at ${connector} may try again`);
    },
  },
];
