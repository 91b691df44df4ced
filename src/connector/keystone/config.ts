import { z } from "zod";
import { flag, secretText, text, texts, tlsKeys } from "../shared/config-words.ts";

/** `connectors[].config` of type `keystone`: Dex's keys, and the last ones, which are ours. */
export const keystoneConfig = z
  .object({
    domain: text("Where the people are: `default`, the id of a domain (a UUID), or its name."),
    keystoneHost: z
      .string("no keystoneHost supplied")
      .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""), "no http or https address")
      .meta({ description: "Where Keystone is, without `/v3`." }),
    keystoneUsername: text("An account of the same domain that may read people. Asked at every refresh."),
    keystonePassword: secretText("Its password."),
    adminProject: text(
      "Ours: a project, by id or by name in `domain`, for which that account has its role. Default its own default project.",
    ),
    adminSystemScope: flag("Ours: that account has its role on the system as a whole."),
    applicationCredentialID: text("Ours: an application credential, instead of name and password of an account."),
    applicationCredentialSecret: secretText("Its secret."),
    groups: texts(
      "Ours: only members of these may sign in, and only these are told. Written as `groupNameFormat` says.",
    ),
    projects: texts("Ours: only people with a role on one of these projects, by id or name, may sign in."),
    groupNameFormat: z
      .enum(["", "name", "domain:name", "id"])
      .default("")
      .meta({ description: "Ours: how groups are told. Default `name`, which two domains may share." }),
    usernameFormat: z.enum(["", "typed", "canonical"]).default("").meta({
      description: "Ours: the `name` claim as it was `typed`, as in Dex and the default, or as Keystone has it.",
    }),
    preferredUsernameField: z
      .enum(["", "name", "email", "id"])
      .default("")
      .meta({ description: "Ours: what becomes `preferred_username`. Default nothing." }),
    ...tlsKeys,
  })
  .refine(({ adminProject, adminSystemScope }) => adminProject === "" || !adminSystemScope, {
    path: ["adminSystemScope"],
    error: "a token is for one project or for the system, not for both",
  });

export type KeystoneConfig = z.infer<typeof keystoneConfig>;
