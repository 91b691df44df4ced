import type { Connector, Identity, LoginResult } from "../connector/contract.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { millis } from "../kernel/ports.ts";
import type { Secret } from "../kernel/secret.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import { OAuthError } from "../oauth/error.ts";
import { scopes as scopeNames } from "../oauth/scope.ts";
import type { RefreshToken } from "../storage/records.ts";
import { claimsOf, identityOf } from "../token/identity-claims.ts";
import type { GrantContext, GrantDeps } from "./contract.ts";

/**
 * What the upstream says of the person now; undefined where its connector cannot say. Nothing is locked while it is asked.
 * What it wants to be asked with next time is stored before anything else can fail: it may have burnt what we held.
 * @throws {OAuthError} The person may not sign in any more. @throws {UnavailableError} The upstream is away.
 */
export async function askConnector(
  family: RefreshToken,
  context: GrantContext,
  deps: GrantDeps,
): Promise<RefreshToken["claims"] | undefined> {
  const open = await deps.connectors.open(family.connectorId);
  if (open?.connector.refresh === undefined) return undefined;
  const held =
    open.connector.needsNoData === true ? ({ data: undefined, by: "family" } as const) : await heldFor(family, deps);
  const { result, used } = await askTwice(open.connector.refresh, family, held, context, deps);
  if (!result.ok) throw refuse(context, "refresh.connector", `the connector says: ${result.reason}`, result.reason);
  if (result.identity.userId !== family.claims.userId) {
    // A `sub` never changes. compat(dex): there it would.
    throw refuse(context, "refresh.same_user", "the connector named another user", "user id changed");
  }
  await keep(result.identity.connectorData, used, family, deps);
  return claimsOf(result.identity);
}

function refuse(context: GrantContext, check: string, because: string, detail: string): OAuthError {
  context.trail.note({ check, outcome: "fail", because, spec: "RFC 6749 §5.2" });
  return new OAuthError("invalid_grant", "The user may no longer sign in.", { detail });
}

/** A connector's data, and where it was found. */
interface Held {
  readonly data: Secret<Uint8Array> | undefined;
  readonly by: "family" | "person";
}

/** A family keeps its own login's data; what Dex rotated keeps it with the person. compat(dex): server/grants/refresh.go. */
async function heldFor(family: RefreshToken, deps: GrantDeps): Promise<Held> {
  if (family.connectorData !== undefined) return { data: family.connectorData, by: "family" };
  return { data: (await deps.storage.offlineSessions.get(personOf(family)))?.connectorData, by: "person" };
}

const personOf = ({ claims, connectorId }: RefreshToken) => ({ userId: claims.userId, connectorId });

/** How long another replica may take to store what it was given a moment ago. */
const patience = millis(1_000);

/**
 * Two replicas, or two clients of one person that Dex signed in, can hold the same upstream credential, and most upstreams
 * take one once. Who comes second and is refused asks again with what the first one has stored.
 */
async function askTwice(
  refresh: NonNullable<Connector["refresh"]>,
  family: RefreshToken,
  held: Held,
  context: GrantContext,
  deps: GrantDeps,
): Promise<Asked> {
  const ask = async (asked: Held): Promise<Asked> => {
    let used = asked;
    const result = await refresh(identityOf(family.claims, asked.data), {
      scopes: { offlineAccess: true, groups: family.scopes.includes(scopeNames.groups) },
      trail: context.trail,
      get signal() {
        return context.signal;
      },
      async keep(connectorData) {
        await keep(connectorData, used, family, deps);
        used = { ...used, data: connectorData };
      },
    });
    return { result, used };
  };
  const first = await settled(ask(held));
  if ("result" in first && first.result.ok) return first;
  const newer = isWorthAnother(first, held) ? await newerThan(held, family, context, deps) : undefined;
  if (newer !== undefined) {
    context.trail.note({
      check: "refresh.upstream_race",
      outcome: "chose",
      because: "another request renewed the upstream's token",
    });
    return ask(newer);
  }
  if ("error" in first) throw first.error;
  return first;
}

/** What came of it, and what is stored for it now. */
interface Asked {
  readonly result: LoginResult;
  readonly used: Held;
}

type Settled = Asked | { readonly error: unknown };

const settled = (asked: Promise<Asked>): Promise<Settled> => asked.catch((error: unknown) => ({ error }));

/** Only a refusal can be about a credential that was used up; without one there is nothing to have been used up. */
function isWorthAnother(first: Settled, { data }: Held): boolean {
  if (data === undefined) return false;
  return "error" in first
    ? !(first.error instanceof UnavailableError)
    : !first.result.ok && first.result.reason === "gone";
}

async function newerThan(
  held: Held,
  family: RefreshToken,
  context: GrantContext,
  deps: GrantDeps,
): Promise<Held | undefined> {
  for (const isLast of [false, true]) {
    const current = await deps.storage.refreshTokens.get(family.id);
    const now = current === undefined ? held : await heldFor(current, deps);
    if (!isSame(now.data, held.data)) return now;
    if (!isLast) await deps.clock.sleep(patience, context.signal);
  }
  return undefined;
}

const isSame = (left: Held["data"], right: Held["data"]): boolean =>
  left === right || (left !== undefined && right !== undefined && secretEqual(left.reveal(), right.reveal()));

/**
 * Where it was found, so that all who share it find the new one, unless somebody has stored a newer one there since.
 * compat(dex): nothing never erases what is stored.
 */
async function keep(
  connectorData: Identity["connectorData"],
  { by, data }: Held,
  family: RefreshToken,
  deps: GrantDeps,
): Promise<void> {
  if (connectorData === undefined || connectorData.reveal().byteLength === 0 || isSame(connectorData, data)) return;
  const { refreshTokens, offlineSessions } = deps.storage;
  const renewed = <Rec extends { readonly connectorData?: Secret<Uint8Array> }>(current: Rec): Rec =>
    isSame(current.connectorData, data) ? { ...current, connectorData } : current;
  if (by === "person" && data !== undefined) await offlineSessions.update(personOf(family), renewed);
  else await refreshTokens.update(family.id, renewed);
}
