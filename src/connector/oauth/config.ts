import { z } from "zod";
import { flag, oauthClientKeys, text, texts, tlsKeys } from "../shared/config-words.ts";

/** `connectors[].config` of type `oauth`: Dex's keys, and the last ones, which are ours. */
export const oauthConfig = z.object({
  ...oauthClientKeys,
  authorizationURL: text("Where the person is sent."),
  tokenURL: text("Where the code is redeemed."),
  userInfoURL: text("What says who the person is: JSON, asked for with the access token."),
  scopes: texts("What is asked for. Default nothing."),
  ...tlsKeys,
  userIDKey: text("Member that is the user's id. Default `id`."),
  claimMapping: z
    .object({
      userNameKey: text("Default `user_name`."),
      preferredUsernameKey: text("Default `preferred_username`."),
      groupsKey: text("Default `groups`."),
      emailKey: text("Default `email`."),
      emailVerifiedKey: text("Default `email_verified`."),
    })
    .prefault({})
    .meta({ description: "What the members of the answer are called." }),
  insecureSkipEmailVerified: flag(
    "Addresses count as verified where the upstream does not say. Dex documents it and ignores it.",
  ),
  userIDFormat: z.enum(["", "decimal"]).default("").meta({
    description:
      "Ours: how a numeric id is written. Default as Dex, `1.2345678e+07`; `decimal` for `12345678`, which changes the `sub` of everybody whose id has more than six digits.",
  }),
  pkce: z.boolean().default(true).meta({ description: "Ours: false for an upstream that stumbles over PKCE." }),
});

export type OauthConfig = z.infer<typeof oauthConfig>;
