import type { AdminCommand } from "./contract.ts";
import { timeOf } from "./print.ts";

export const serverCommands: readonly AdminCommand[] = [
  {
    words: "version",
    summary: "Show the server's version",
    args: [],
    flags: {},
    async run({ dex }) {
      const answer = await dex.GetVersion();
      return { answer, facts: { server: answer.server, api: String(answer.api) } };
    },
  },
  {
    words: "discovery",
    summary: "Show what the server tells clients about itself",
    args: [],
    flags: {},
    async run({ dex }) {
      const answer = await dex.GetDiscovery();
      const facts = Object.entries(answer).map(([name, value]): [string, string] => [
        name,
        typeof value === "string" ? value : value.join(" "),
      ]);
      return { answer, facts: Object.fromEntries(facts) };
    },
  },
  {
    words: "key list",
    summary: "List the signing keys",
    args: [],
    flags: {},
    async run({ admin }) {
      const answer = await admin.ListKeys();
      const rows = answer.keys.map(({ kid, alg, state, expires_at: expiry }) => [kid, alg, state, timeOf(expiry)]);
      return { answer, table: { head: ["KID", "ALGORITHM", "STATE", "EXPIRES"], rows } };
    },
  },
  {
    words: "key rotate",
    summary: "Begin a rotation now",
    args: [],
    flags: {},
    async run({ admin }) {
      const answer = await admin.RotateKeys();
      return { answer, said: `the next key signs from ${timeOf(answer.signs_from)}` };
    },
  },
];
