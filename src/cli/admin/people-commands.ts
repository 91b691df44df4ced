import { CommandError } from "../terminal.ts";
import { type AdminCommand, notFound, type Shown, unlessMissing } from "./contract.ts";
import { timeOf } from "./print.ts";

const person = ["connector", "user"] as const;
const ofPerson = ([connector = "", user = ""]: readonly string[]) => ({ connector_id: connector, user_id: user });
const nameOf = ([connector = "", user = ""]: readonly string[]): string => `${user} at ${connector}`;

/** Users, what they consented to, and their second factors. */
export const peopleCommands: readonly AdminCommand[] = [
  {
    words: "user list",
    summary: "List everybody who has signed in",
    args: [],
    flags: {},
    async run({ dex }) {
      const answer = await dex.ListUserIdentities();
      const rows = answer.identities.map((each) => [
        each.connector_id,
        each.user_id,
        each.email,
        timeOf(each.last_login),
        each.mfa_devices.map(({ authenticator_id: id }) => id).join(" "),
        timeOf(each.blocked_until),
      ]);
      return {
        answer,
        table: { head: ["CONNECTOR", "USER", "EMAIL", "LAST LOGIN", "FACTORS", "BLOCKED UNTIL"], rows },
      };
    },
  },
  {
    words: "user get",
    summary: "Show one person",
    args: person,
    flags: {},
    async run({ dex }, { args }) {
      const answer = await dex.GetUserIdentity(ofPerson(args));
      const { identity } = answer;
      if (identity === null) return notFound(answer, nameOf(args));
      return {
        answer,
        facts: {
          user: identity.user_id,
          connector: identity.connector_id,
          email: `${identity.email}${identity.email_verified ? "" : " (not verified)"}`,
          username: identity.username,
          groups: identity.groups.join(" "),
          "consented to": identity.consents.map((each) => `${each.client_id}(${each.scopes.join(" ")})`).join(", "),
          factors: identity.mfa_devices.map((each) => each.authenticator_id).join(" "),
          "first login": timeOf(identity.created_at),
          "last login": timeOf(identity.last_login),
          "blocked until": timeOf(identity.blocked_until),
        },
      };
    },
  },
  {
    words: "user delete",
    summary: "Delete a person with sessions, tokens and consents",
    args: person,
    flags: {},
    async run({ dex }, { args }) {
      return unlessMissing(await dex.DeleteUserIdentity(ofPerson(args)), nameOf(args), `${nameOf(args)} deleted`);
    },
  },
  {
    words: "user block",
    summary: "Lock a person out until a moment, as 2030-12-31T00:00:00Z",
    args: person,
    flags: { until: { kind: "text", summary: "Until when; for good where it is left out" } },
    async run({ admin }, { args, text }) {
      const until = text("until") === "" ? foreverSeconds : Math.floor(Date.parse(text("until")) / 1000);
      if (Number.isNaN(until) || until <= 0) throw new CommandError("--until is a time, as 2030-12-31T00:00:00Z");
      const answer = await admin.SetBlockedUntil({ ...ofPerson(args), blocked_until: until });
      return unlessMissing(answer, nameOf(args), `${nameOf(args)} is blocked until ${timeOf(until)}`);
    },
  },
  {
    words: "user unblock",
    summary: "Let a person in again",
    args: person,
    flags: {},
    async run({ admin }, { args }) {
      const answer = await admin.SetBlockedUntil({ ...ofPerson(args), blocked_until: 0 });
      return unlessMissing(answer, nameOf(args), `${nameOf(args)} may sign in`);
    },
  },
  {
    words: "consent revoke",
    summary: "Take back what a person agreed to for one client",
    args: [...person, "client"],
    flags: {},
    async run({ dex }, { args }) {
      const [, , client = ""] = args;
      const answer = await dex.RevokeConsent({ ...ofPerson(args), client_id: client });
      return unlessMissing(answer, `consent of ${nameOf(args)}`, "consent revoked");
    },
  },
  {
    words: "factor list",
    summary: "List the second factors of a person",
    args: person,
    flags: {},
    async run({ dex }, { args }) {
      const answer = await dex.ListMFADevices(ofPerson(args));
      const rows = answer.devices.flatMap(
        ({ authenticator_id: id, mfa_secret: secret, webauthn_credentials: keys }) => [
          ...(secret === null
            ? []
            : [[id, secret.type, secret.confirmed ? "confirmed" : "pending", "", timeOf(secret.created_at)]]),
          ...keys.map((key) => [
            id,
            "WebAuthn",
            key.display_name,
            key.credential_id.toString("base64url"),
            timeOf(key.created_at),
          ]),
        ],
      );
      return { answer, table: { head: ["AUTHENTICATOR", "TYPE", "NAME", "CREDENTIAL", "CREATED"], rows } };
    },
  },
  {
    words: "factor delete",
    summary: "Delete the secret of an authenticator, or one WebAuthn credential",
    args: person,
    flags: {
      authenticator: { kind: "text", summary: "Authenticator whose secret goes" },
      credential: { kind: "text", summary: "Credential that goes, as the list shows it" },
    },
    async run({ dex }, { args, text }): Promise<Shown> {
      const credential = text("credential");
      const answer =
        credential === ""
          ? await dex.DeleteMFASecret({ ...ofPerson(args), authenticator_id: text("authenticator") })
          : await dex.DeleteWebAuthnCredential({
              ...ofPerson(args),
              credential_id: Buffer.from(credential, "base64url"),
            });
      return unlessMissing(answer, `factor of ${nameOf(args)}`, "factor deleted");
    },
  },
  {
    words: "factor reset",
    summary: "Delete all second factors of a person, who enrols anew",
    args: person,
    flags: {},
    async run({ dex }, { args }) {
      return unlessMissing(await dex.ResetMFA(ofPerson(args)), nameOf(args), `factors of ${nameOf(args)} deleted`);
    },
  },
];

/** The last second of the year 9999. */
const foreverSeconds = 253_402_300_799;
