import { z } from "zod";
import type { GithubConfig } from "./config.ts";

export const emailEntry = z.object({
  email: z.string(),
  verified: z.boolean().default(false),
  primary: z.boolean().default(false),
});
export type EmailEntry = z.output<typeof emailEntry>;

/**
 * The address of the preferred domain, else the primary one; verified in any case. An Enterprise server verifies none, so
 * there every address counts, unless `checkEmailVerified` says otherwise. @throws {Error} There is none.
 */
export function chooseEmail(
  entries: readonly EmailEntry[],
  { preferredEmailDomain, hostName, checkEmailVerified }: GithubConfig,
): string {
  const usable = entries.filter(({ verified }) => verified || (hostName !== "" && !checkEmailVerified));
  const preferred =
    preferredEmailDomain === ""
      ? undefined
      : usable.find(({ email }) => matches(domainOf(email), preferredEmailDomain));
  // compat(dex): of several the last.
  const chosen = preferred ?? usable.findLast(({ primary }) => primary);
  if (chosen === undefined || chosen.email === "") {
    throw new Error("github: user has no verified, primary email or preferred-domain email");
  }
  return chosen.email;
}

function domainOf(email: string): string {
  const at = email.lastIndexOf("@");
  if (at === -1) throw new Error("github: invalid format email is detected");
  return email.slice(at + 1);
}

function matches(domain: string, wanted: string): boolean {
  const labels = domain.split(".");
  const patterns = wanted.split(".");
  return labels.length === patterns.length && patterns.every((one, index) => one === "*" || one === labels[index]);
}
