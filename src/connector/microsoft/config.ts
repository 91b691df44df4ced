import { z } from "zod";
import { address, checkEmailVerified, flag, oauthClientKeys, pkce, text, texts } from "../shared/config-words.ts";

/** Tenants that are many: anybody may have one. */
const manyTenants = new Set(["common", "organizations", "consumers"]);

/** `connectors[].config` of type `microsoft`: Dex's keys, and the last ones, which are ours. */
export const microsoftConfig = z
  .object({
    ...oauthClientKeys,
    clientAssertion: text("A file with a JWT that proves who we are, instead of a secret. Read each time."),
    tenant: text(
      "Who may sign in: the id or domain of one tenant, `organizations`, `consumers`, or `common` (default).",
    ),
    onlySecurityGroups: flag("Mail and Microsoft 365 groups do not count."),
    groups: texts("Only members of these may sign in, nested groups included. Written as `groupNameFormat` says."),
    groupNameFormat: z
      .string()
      .default("")
      .refine((format) => ["", "name", "id"].includes(format), {
        error: (issue) => `invalid groupNameFormat: ${String(issue.input)}`,
      })
      .meta({ description: "How groups are told: `name` (default) or `id`. Whoever owns a group chooses its name." }),
    useGroupsAsWhitelist: flag("Only groups of `groups` are told."),
    emailToLowercase: flag("The address in lower case."),
    batchGroupLookups: flag("Dex's switch for more than 1000 groups; here they always work."),
    apiURL: address("https://login.microsoftonline.com", "Where people sign in."),
    graphURL: address("https://graph.microsoft.com", "Microsoft Graph."),
    promptType: text("`prompt` of the sign-in."),
    domainHint: text("`domain_hint` of the sign-in."),
    scopes: texts("What is asked for. Default `user.read`."),
    preferredUsernameField: text(
      "What becomes `preferred_username`: `name`, `email`, `mailNickname` or `onPremisesSamAccountName`. Default nothing.",
    ),
    allowedTenants: texts("Ours: only people of these tenants, by id or verified domain, may sign in."),
    emailField: z.enum(["", "userPrincipalName", "mail"]).default("").meta({
      description: "Ours: what `email` is. Default `userPrincipalName`.",
    }),
    checkEmailVerified,
    pkce,
  })
  .superRefine((config, context) => {
    if (config.groups.length === 0 || !isManyTenants(config.tenant)) return;
    const isTold = config.groupNameFormat === "id" || config.allowedTenants.length > 0;
    if (isTold && config.tenant !== "consumers") return;
    context.addIssue({
      code: "custom",
      path: ["groups"],
      message:
        "a name in groups could be of anybody's tenant: set tenant, allowedTenants, or groupNameFormat: id (Dex lets everybody in)",
    });
  });

export type MicrosoftConfig = z.infer<typeof microsoftConfig>;

export const isManyTenants = (tenant: string): boolean => tenant === "" || manyTenants.has(tenant);
