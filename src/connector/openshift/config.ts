import { z } from "zod";
import { flag, oauthClientKeys, pkce, text, texts } from "../shared/config-words.ts";

/** `connectors[].config` of type `openshift`: Dex's keys, and the last ones, which are ours. */
export const openshiftConfig = z.object({
  ...oauthClientKeys,
  issuer: z
    .string("no issuer supplied")
    .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""), "no http or https address")
    .transform((url) => url.replace(/\/+$/, ""))
    .meta({ description: "The API server of the cluster." }),
  groups: texts("Only members of these may sign in."),
  insecureCA: flag("Do not check the cluster's certificate. For trying things out."),
  rootCA: text("The cluster's authority, besides the system's: a path, PEM, or base64 of PEM."),
  serviceAccountTokenFile: text("Ours: a file with the secret, read each time: a service account's token is renewed."),
  pkce,
});

export type OpenshiftConfig = z.infer<typeof openshiftConfig>;
