import { CommandError } from "../terminal.ts";
import { type AdminCommand, notFound, unlessMissing } from "./contract.ts";
import { timeOf } from "./print.ts";

const ofWhom = {
  connector: { kind: "text", summary: "Connector that the person comes from" },
  user: { kind: "text", summary: "The person, as the connector knows them" },
} as const;
const client = { kind: "text", summary: "Client that holds the token" } as const;

/** Where people are signed in, and what clients hold for them. */
export const sessionCommands: readonly AdminCommand[] = [
  {
    words: "session list",
    summary: "List sessions",
    args: [],
    flags: ofWhom,
    async run({ dex }, { text }) {
      const answer = await dex.ListAuthSessions({ user_id: text("user"), connector_id: text("connector") });
      const rows = answer.sessions.map((each) => [
        each.id,
        each.connector_id,
        each.user_id,
        timeOf(each.last_activity),
        each.ip_address,
        each.client_states.map(({ client_id: id }) => id).join(" "),
      ]);
      return { answer, table: { head: ["ID", "CONNECTOR", "USER", "LAST ACTIVITY", "ADDRESS", "CLIENTS"], rows } };
    },
  },
  {
    words: "session get",
    summary: "Show one session",
    args: ["id"],
    flags: {},
    async run({ dex }, { args: [id = ""] }) {
      const answer = await dex.GetAuthSession({ id });
      const { session } = answer;
      if (session === null) return notFound(answer, `session ${id}`);
      return {
        answer,
        facts: {
          id: session.id,
          user: session.user_id,
          connector: session.connector_id,
          created: timeOf(session.created_at),
          "last activity": timeOf(session.last_activity),
          "ends at the latest": timeOf(session.absolute_expiry),
          "ends when idle": timeOf(session.idle_expiry),
          address: session.ip_address,
          browser: session.user_agent,
          clients: session.client_states.map(({ client_id: client }) => client).join(" "),
        },
      };
    },
  },
  {
    words: "session delete",
    summary: "End a session, and every refresh token of its person",
    args: ["id"],
    flags: {},
    async run({ dex }, { args: [id = ""] }) {
      return unlessMissing(await dex.DeleteAuthSession({ id }), `session ${id}`, `session ${id} ended`);
    },
  },
  {
    words: "session terminate",
    summary: "End all sessions of a user, or of a connector",
    args: [],
    flags: ofWhom,
    async run({ dex }, { text }) {
      if ((text("user") === "") === (text("connector") === ""))
        throw new CommandError("either --user or --connector is needed");
      const answer =
        text("user") === ""
          ? await dex.TerminateSessionsByConnector({ connector_id: text("connector") })
          : await dex.TerminateSessionsByUser({ user_id: text("user") });
      return { answer, said: `${answer.sessions_terminated} sessions ended` };
    },
  },
  {
    words: "refresh list",
    summary: "List refresh tokens, one for each login",
    args: [],
    flags: { ...ofWhom, client },
    async run({ admin }, { text }) {
      const answer = await admin.ListRefreshTokens({
        user_id: text("user"),
        connector_id: text("connector"),
        client_id: text("client"),
      });
      const rows = answer.refresh_tokens.map((each) => [
        each.id,
        each.client_id,
        each.connector_id,
        each.user_id,
        timeOf(each.created_at),
        timeOf(each.last_used),
      ]);
      return { answer, table: { head: ["ID", "CLIENT", "CONNECTOR", "USER", "CREATED", "LAST USED"], rows } };
    },
  },
  {
    words: "refresh revoke",
    summary: "End one refresh token, or with --user and --connector all of a person",
    args: [],
    flags: { id: { kind: "text", summary: "The token, as the list shows it" }, ...ofWhom, client },
    async run({ admin }, { text }) {
      const id = text("id");
      if (id !== "")
        return unlessMissing(await admin.RevokeRefreshToken({ id }), `refresh token ${id}`, `${id} revoked`);
      const answer = await admin.RevokeRefreshTokens({
        user_id: text("user"),
        connector_id: text("connector"),
        client_id: text("client"),
      });
      return { answer, said: `${answer.refresh_tokens_revoked} refresh tokens revoked` };
    },
  },
  {
    words: "refresh list-of-subject",
    summary: "List refresh tokens by a sub claim, as Dex tells them: one for each client",
    args: ["sub"],
    flags: {},
    async run({ dex }, { args: [sub = ""] }) {
      const answer = await dex.ListRefresh({ user_id: sub });
      const rows = answer.refresh_tokens.map((each) => [
        each.id,
        each.client_id,
        timeOf(each.created_at),
        timeOf(each.last_used),
      ]);
      return { answer, table: { head: ["ID", "CLIENT", "CREATED", "LAST USED"], rows } };
    },
  },
  {
    words: "refresh revoke-of-subject",
    summary: "End what a client holds for a sub claim",
    args: ["sub", "client"],
    flags: {},
    async run({ dex }, { args: [sub = "", id = ""] }) {
      return unlessMissing(await dex.RevokeRefresh({ user_id: sub, client_id: id }), "refresh token", "revoked");
    },
  },
];
