import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";

/** The words that a connector's `config` schema is written in. Absent and empty mean the same unless they say otherwise. */

export const text = (description: string) => z.string().default("").meta({ description });

export const secretText = (description: string) =>
  z
    .string()
    .default("")
    .transform((value) => new Secret(value))
    .meta({ description, writeOnly: true });

export const texts = (description: string) => z.array(z.string()).default([]).meta({ description });
export const flag = (description: string) => z.boolean().default(false).meta({ description });

/** Absent and false differ. */
export const optionalFlag = (description: string) => z.boolean().optional().meta({ description });

/** Absent and empty differ. */
export const optionalText = (description: string) => z.string().optional().meta({ description });

/** The keys that every client of an OAuth 2.0 server has. */
export const oauthClientKeys = {
  clientID: text("The client that the upstream knows us as."),
  clientSecret: secretText("Its secret."),
  redirectURI: text("Our address for the way back, as the upstream has it: `issuer` and `/callback`."),
} as const;

/** The keys that say how TLS is checked. */
export const tlsKeys = {
  rootCAs: texts("Authorities to trust besides the system's: paths, PEM texts, or base64 of PEM."),
  insecureSkipVerify: flag("Do not check the upstream's certificate. For trying things out."),
} as const;

/** An address of the upstream, without the slash at its end. */
export const address = (usual: string, description: string) =>
  z
    .string()
    .default("")
    .transform((value) => (value || usual).replace(/\/+$/, ""))
    .refine(isAddress, "no http or https address")
    .meta({ description: `${description} Default \`${usual}\`.` });

export const isAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? "");

/** `orgs` of GitHub and Gitea. */
export const orgs = (description: string) =>
  z
    .array(
      z.object({
        name: text("The organization, as its address has it."),
        teams: texts("Teams of it, one of which is needed. Empty: any member."),
      }),
    )
    .default([])
    .meta({ description });

export const pkce = z
  .boolean()
  .default(true)
  .meta({ description: "Ours: false for an upstream that stumbles over PKCE." });

export const checkEmailVerified = flag(
  "Ours: `email_verified` is what the upstream says, instead of always true as in Dex.",
);
