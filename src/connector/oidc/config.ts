import { RE2JS } from "re2js";
import { z } from "zod";
import {
  flag,
  oauthClientKeys,
  optionalFlag,
  optionalText,
  secretText,
  text,
  texts,
  tlsKeys,
} from "../shared/config-words.ts";

/** RE2, as Dex reads it: JavaScript's own knows less (`(?i)`, `[[:alpha:]]`) and can be made to run for ever. */
const regularExpression = (description: string) =>
  z.string().default("").refine(isExpression, "no valid regular expression (RE2)").meta({ description });

function isExpression(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false;
  }
}

const overrides = z.object({
  tokenURL: text("Instead of `token_endpoint`."),
  authURL: text("Instead of `authorization_endpoint`."),
  jwksURL: text("Instead of `jwks_uri`."),
  userInfoURL: text("Instead of `userinfo_endpoint`."),
  deviceAuthURL: text("Accepted for Dex's sake; not used."),
  endSessionURL: text("Instead of `end_session_endpoint`."),
});

const newGroup = z.object({
  claims: texts("Claims whose text values are joined; others are left out."),
  delimiter: text("Between them."),
  clearDelimiter: flag("Remove the delimiter from the values first."),
  prefix: text("In front of the first one."),
});

const privateKeyJwt = z.object({
  keyFile: text("Path of the private key, PEM."),
  key: secretText("The private key itself, PEM, where there is no file."),
  keyID: text("`kid` of the assertion, where the upstream wants one."),
  algorithm: z
    .enum(["", "RS256", "PS256", "ES256", "EdDSA"])
    .default("")
    .meta({ description: "How the assertion is signed. Default RS256." }),
});

/** `connectors[].config` of type `oidc`: Dex's keys, and the last ones, which are ours. */
export const oidcConfig = z.object({
  issuer: text("Where the provider is: its discovery document is below it and must name it, letter for letter."),
  issuerAlias: text("What the provider calls itself in its tokens where that differs. Turns the comparison off."),
  ...oauthClientKeys,
  providerDiscoveryOverrides: overrides
    .prefault({})
    .meta({ description: "Addresses that the discovery document has wrong. Discovery still runs." }),
  basicAuthUnsupported: optionalFlag(
    "True: the secret goes into the body alone. Default: into the header, then into the body; Okta gets it in the body.",
  ),
  scopes: texts("Besides `openid`. Default `profile`, `email`."),
  hostedDomains: z
    .array(z.string())
    .max(
      0,
      "support for the Hosted domains option had been deprecated and removed, consider switching to the Google connector",
    )
    .default([])
    .meta({ description: "Gone; the Google connector has it." }),
  ...tlsKeys,
  insecureSkipEmailVerified: flag("Addresses count as verified where the provider does not say."),
  insecureEnableGroups: flag("Read groups from the claims."),
  allowedGroups: texts("Only members of one of these may sign in, and of their groups only these are told."),
  acrValues: texts("`acr_values` that are asked for."),
  getUserInfo: flag("Ask the userinfo endpoint too; what it says takes precedence."),
  userIDKey: text("Claim that is the user's id. Default `sub`."),
  userNameKey: text("Claim that is the user's name. Default `name`."),
  promptType: optionalText("`prompt` for logins that want a refresh token. Default `consent`; empty sends it empty."),
  pkceChallenge: z
    .enum(["", "S256", "plain"])
    .default("")
    .meta({ description: "How the code is bound to the login. Default: the best that the provider advertises." }),
  overrideClaimMapping: flag("What `claimMapping` names takes precedence over the standard claim."),
  claimMapping: z
    .object({
      preferred_username: text("Claim to read where `preferred_username` is missing."),
      email: text("Claim to read where `email` is missing."),
      groups: text("Claim to read where `groups` is missing."),
    })
    .prefault({})
    .meta({ description: "Claims by other names." }),
  claimModifications: z
    .object({
      newGroupFromClaims: z.array(newGroup).default([]).meta({ description: "Groups made of other claims." }),
      filterGroupClaims: z
        .object({ groupsFilter: regularExpression("Only groups that match are kept (RE2, unanchored).") })
        .prefault({})
        .meta({ description: "Which groups are kept." }),
      modifyGroupNames: z
        .object({ prefix: text("In front of each group."), suffix: text("Behind each group.") })
        .prefault({})
        .meta({ description: "How groups are renamed." }),
    })
    .prefault({})
    .meta({ description: "Changes to the groups." }),
  privateKeyJWT: privateKeyJwt
    .optional()
    .meta({ description: "Ours: prove who we are with a signed assertion instead of the secret (RFC 7523 §2.2)." }),
  clientAssertionFile: text("Ours: path of a ready assertion, read for each call (workload identity)."),
  tokenExchangeAudiences: texts(
    "Ours: besides our own `clientID`, clients of the provider whose tokens may be exchanged for ours.",
  ),
  insecureIgnoreAllowedGroups: flag(
    "Ours: Dex's way of not asking `allowedGroups` unless `insecureEnableGroups` is true, which lets everybody in.",
  ),
  insecureSkipNonce: flag("Ours: for a provider that forgets the `nonce` of a request. A wrong one is refused still."),
});

export type OidcConfig = z.infer<typeof oidcConfig>;
