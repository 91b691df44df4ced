import { z } from "zod";
import { flag, secretText, text, texts, tlsKeys } from "../shared/config-words.ts";

/** `connectors[].config` of type `atlassian-crowd`: Dex's keys, and the last ones, which are ours. */
export const crowdConfig = z.object({
  baseURL: z
    .string("crowd: no baseURL provided for crowd connector")
    .refine((url) => url !== "", { error: "crowd: no baseURL provided for crowd connector", abort: true })
    .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""), "no http or https address")
    .meta({ description: "Where Crowd is, with its context: `https://crowd.example.com/crowd`." }),
  clientID: text("The application that Crowd knows us as."),
  clientSecret: secretText("Its password."),
  groups: texts("Only members of these may sign in, and only these are told. Nested groups count."),
  preferredUsernameField: text("What becomes `preferred_username`: `key`, `name` or `email`. Default nothing."),
  usernamePrompt: text("Label of the name field. Default `Username`."),
  groupsIgnoreCase: flag("Ours: `groups` matches whatever the case; some directories change it."),
  ...tlsKeys,
});

export type CrowdConfig = z.infer<typeof crowdConfig>;
