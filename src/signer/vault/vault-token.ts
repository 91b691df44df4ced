import { readFile } from "node:fs/promises";
import { z } from "zod";
import { UnavailableError } from "../../kernel/errors.ts";
import { type Clock, type Logger, millis } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import { secretEqual } from "../../kernel/secret-equal.ts";
import type { VaultLogin } from "./settings.ts";
import { type CallVault, VaultRefusal } from "./vault-client.ts";

/** The token that we call Vault with, kept alive. */
export interface VaultToken {
  /** Logs in if need be. @throws {VaultRefusal} @throws {UnavailableError} */
  current(): Promise<Secret>;
  /** Another token than `refused`, or undefined if none can be had. Callers at one time share one login. */
  after(refused: Secret): Promise<Secret | undefined>;
  /** Renews it until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

interface Held {
  readonly token: Secret;
  /** Milliseconds that it lives from {@link since}; undefined: for ever, or not known. */
  readonly lease: number | undefined;
  readonly since: number;
  readonly isRenewable: boolean;
}

export interface TokenDeps {
  readonly call: CallVault;
  readonly clock: Clock;
  readonly logger: Logger;
}

const second = 1_000;
/** A policy that refuses every token must not turn requests into logins. */
const loginAgainAfter = second;
/** How often a file is looked at, and a token of unknown life asked about. */
const lookEvery = 10 * second;
const retryEvery = 2 * second;

export function openVaultToken(login: VaultLogin, deps: TokenDeps): VaultToken {
  const { clock, logger } = deps;
  let held: Held | undefined;
  let obtaining: Promise<Held> | undefined;
  let obtainedAt = -loginAgainAfter;
  let failure: unknown;

  const obtainOnce = async (): Promise<Held> => {
    try {
      held = await obtain(login, deps);
      return held;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      obtaining = undefined;
    }
  };
  const obtainAnew = (): Promise<Held> => {
    obtainedAt = clock.now();
    obtaining ??= obtainOnce();
    return obtaining;
  };
  const mayObtain = (): boolean => clock.now() - obtainedAt >= loginAgainAfter;

  /** What the loop does once. Requests may log in meanwhile: the newer token stays. */
  const refresh = async (): Promise<void> => {
    const before = held ?? (await obtainAnew());
    const read = login.method === "tokenFile" ? await obtain(login, deps) : before;
    const isSame = secretEqual(read.token.reveal(), before.token.reveal());
    const next = await renewed(isSame ? before : read, deps);
    if (held === before) held = next;
  };

  return {
    current: async () => {
      if (held !== undefined) return held.token;
      if (obtaining === undefined && !mayObtain()) throw failure;
      return (await obtainAnew()).token;
    },
    after: async (refused) => {
      if (held !== undefined && !secretEqual(held.token.reveal(), refused.reveal())) return held.token;
      if (login.method === "token" || (obtaining === undefined && !mayObtain())) return undefined;
      const { token } = await obtainAnew();
      return secretEqual(token.reveal(), refused.reveal()) ? undefined : token;
    },
    run: async (signal) => {
      let isFailing = false;
      while (!signal.aborted) {
        let pause = retryEvery;
        try {
          await refresh();
          isFailing = false;
          pause = pauseFor(held, login, clock.now());
        } catch (error) {
          if (!isFailing && !signal.aborted) logger.warn("vault token not renewed", { method: login.method }, error);
          isFailing = true;
          if (error instanceof VaultRefusal) pause = lookEvery;
          // Until the new one is there the old one goes on: it may be good for a while yet.
          if (error instanceof VaultRefusal && isLogin(login)) await obtainAnew().catch(() => undefined);
        }
        await clock.sleep(millis(pause), signal).catch(() => undefined);
      }
    },
  };
}

/** Whether we get tokens by ourselves. */
const isLogin = ({ method }: VaultLogin): boolean => method === "kubernetes" || method === "appRole";

/** Two thirds of its life, so that a Vault that is away for a while costs no token. */
function pauseFor(held: Held | undefined, { method }: VaultLogin, now: number): number {
  const rest = held?.lease === undefined ? 60 * second : held.since + (held.lease * 2) / 3 - now;
  return Math.max(second, Math.min(rest, method === "tokenFile" ? lookEvery : 24 * 3_600 * second));
}

const authAnswer = z.looseObject({
  auth: z.looseObject({
    client_token: z.string().min(1),
    lease_duration: z.number().nonnegative(),
    renewable: z.boolean(),
  }),
});

async function obtain(login: VaultLogin, deps: TokenDeps): Promise<Held> {
  const since = deps.clock.now();
  switch (login.method) {
    case "token":
      return { token: login.token, lease: undefined, since, isRenewable: true };
    case "tokenFile":
      return { token: new Secret(await textOf(login.file)), lease: undefined, since, isRenewable: true };
    case "kubernetes": {
      const jwt = await textOf(login.tokenFile);
      return logIn(login.mount, { role: login.role, jwt }, since, deps);
    }
    case "appRole": {
      const secret = login.secretId instanceof Secret ? login.secretId.reveal() : await textOf(login.secretId.file);
      return logIn(login.mount, { role_id: login.roleId, secret_id: secret }, since, deps);
    }
  }
}

async function textOf(file: string): Promise<string> {
  try {
    const text = (await readFile(file, "utf8")).trim();
    if (text !== "") return text;
  } catch (cause) {
    throw new UnavailableError("signer", `${file} cannot be read`, { cause });
  }
  throw new UnavailableError("signer", `${file} is empty`);
}

/** @throws {UnavailableError} Vault takes us for nobody, or is away. */
async function logIn(mount: string, body: object, since: number, { call, logger }: TokenDeps): Promise<Held> {
  let answer: unknown;
  try {
    answer = await call({ method: "POST", path: `auth/${mount}/login`, body });
  } catch (error) {
    if (!(error instanceof VaultRefusal)) throw error;
    throw new UnavailableError("signer", `vault login: ${error.message}`, { cause: error });
  }
  const { client_token, lease_duration, renewable } = authOf(answer);
  logger.info("logged in to vault", { mount, lease: `${lease_duration}s`, renewable });
  return heldOf(new Secret(client_token), lease_duration, renewable, since);
}

function authOf(answer: unknown): z.output<typeof authAnswer>["auth"] {
  const { data } = authAnswer.safeParse(answer);
  if (data === undefined) throw new UnavailableError("signer", "vault login: the answer holds no token");
  return data.auth;
}

const heldOf = (token: Secret, leaseSeconds: number, isRenewable: boolean, since: number): Held => ({
  token,
  // Vault's 0 is a token without an end.
  lease: leaseSeconds === 0 ? undefined : leaseSeconds * second,
  since,
  isRenewable,
});

const lookup = z.looseObject({ data: z.looseObject({ ttl: z.number(), renewable: z.boolean().default(false) }) });

/** The same token with its life known, and longer where that is due. @throws {VaultRefusal} Its life ends. */
async function renewed(held: Held, { call, clock }: TokenDeps): Promise<Held> {
  const { token } = held;
  const now = clock.now();
  if (held.lease === undefined) {
    const { data } = lookup.safeParse(await call({ method: "GET", path: "auth/token/lookup-self", token }));
    return data === undefined ? held : heldOf(token, data.data.ttl, data.data.renewable, now);
  }
  if (now - held.since < (held.lease * 2) / 3) return held;
  if (!held.isRenewable) throw new VaultRefusal(403, "the token cannot be renewed", undefined);
  const answer = authOf(await call({ method: "POST", path: "auth/token/renew-self", body: {}, token }));
  const next = heldOf(token, answer.lease_duration, answer.renewable, now);
  // Near its longest life Vault grants less and less.
  if (next.lease !== undefined && next.lease < held.lease / 2)
    throw new VaultRefusal(403, "the token is near the end of its longest life", undefined);
  return next;
}
