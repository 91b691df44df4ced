import { z } from "zod";
import { address, flag, oauthClientKeys } from "../shared/config-words.ts";

/** `connectors[].config` of type `linkedin`: Dex's keys, and the last ones, which are ours. */
export const linkedinConfig = z.object({
  ...oauthClientKeys,
  useOpenID: flag(
    "Ours: ask with OpenID Connect, the only way for applications made since August 2023. User ids may differ from those of the old way.",
  ),
  preferredUsernameField: z.enum(["", "email", "given_name"]).default("").meta({
    description: "Ours, with `useOpenID`: what `preferred_username` is. Default, as in Dex, there is none.",
  }),
  baseURL: address("https://www.linkedin.com", "Ours: where people sign in. For a proxy."),
  apiURL: address("https://api.linkedin.com", "Ours: where the API is. For a proxy."),
});

export type LinkedinConfig = z.infer<typeof linkedinConfig>;
