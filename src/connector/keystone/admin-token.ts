import type { Clock } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import { singleFlight } from "../shared/single-flight.ts";
import type { KeystoneConfig } from "./config.ts";
import { domainReference } from "./domain.ts";
import { type Authenticated, type KeystoneApi, TokenEndedError } from "./keystone-api.ts";

/** The account that reads people at a refresh: one token for all, until it ends. */
export interface AdminToken {
  /** Does `work` with a good token; once more where Keystone has ended it. @throws {Error} Keystone does not know the account. */
  using<T>(work: (token: Secret) => Promise<T>): Promise<T>;
  /** Ends the token that is held. */
  close(): void;
}

/** Milliseconds before its end that a token is not used any more. */
const margin = 60_000;

export function adminToken(config: KeystoneConfig, api: KeystoneApi, clock: Clock): AdminToken {
  let held: Authenticated | undefined;
  const fly = singleFlight<Authenticated>();

  // Without anybody's signal: whoever asked first may go, and the others still want it.
  const obtain = (): Promise<Authenticated> =>
    fly("token", async () => {
      const answer = await api.authenticate(authOf(config), new AbortController().signal);
      if (!answer.ok) {
        throw new Error(`keystone: failed to obtain admin token: Keystone refuses the account: ${answer.because}`);
      }
      held = answer;
      return answer;
    });

  return {
    async using(work) {
      const { token } = held !== undefined && (held.expiresAt ?? 0) - margin > clock.now() ? held : await obtain();
      try {
        return await work(token);
      } catch (error) {
        if (!(error instanceof TokenEndedError)) throw error;
        if (held?.token === token) held = undefined;
        return work((held ?? (await obtain())).token);
      }
    },
    close() {
      if (held !== undefined) api.revoke(held.token);
      held = undefined;
    },
  };
}

function authOf(config: KeystoneConfig): unknown {
  const { applicationCredentialID: id, applicationCredentialSecret: secret, adminProject, adminSystemScope } = config;
  if (id !== "") {
    const credential = { id, secret: secret.reveal() };
    return { identity: { methods: ["application_credential"], application_credential: credential } };
  }
  const domain = domainReference(config.domain);
  const user = { name: config.keystoneUsername, domain, password: config.keystonePassword.reveal() };
  const scope = adminSystemScope ? { system: { all: true } } : projectScope(adminProject, domain);
  return {
    identity: { methods: ["password"], password: { user } },
    ...(scope === undefined ? {} : { scope }),
  };
}

function projectScope(project: string, domain: unknown): unknown {
  if (project === "") return undefined;
  return { project: /^[0-9a-f]{32}$/.test(project) ? { id: project } : { name: project, domain } };
}
