import { PageError } from "../http/contract.ts";

/** The page for somebody who is who they say, and may not sign in here. compat(dex): 403. */
export const deniedMembership = (): PageError => new PageError(403, "refusal.groups");
