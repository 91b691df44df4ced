import type { Departure } from "../connector/contract.ts";
import type { AuthSession, Client } from "../storage/records.ts";
import type { FlowContext, FlowDeps } from "./contract.ts";
import { type EndedSession, endSession } from "./end-session.ts";
import { newStateHandle } from "./sealed-request.ts";

/** What a logout has reached, in names that a person knows. */
export interface LogoutOutcome {
  /** Applications that have heard, that did not answer yet and are told again, and that hear of no logout. */
  readonly told: readonly string[];
  readonly pending: readonly string[];
  readonly unaware: readonly string[];
  /** Where the person signed in, if that has a session of its own which it could end. */
  readonly upstream?: { readonly name: string; readonly isEnded: boolean };
}

/** An upstream that the browser has to visit for its own session to end. */
export interface UpstreamDeparture {
  readonly departure: Departure;
  /** Comes back with the browser. */
  readonly handle: string;
}

export interface LocalLogout {
  readonly outcome: LogoutOutcome;
  /** To be loaded by the browser. OIDC Front-Channel Logout §2. */
  readonly frames: readonly string[];
  readonly upstream?: UpstreamDeparture;
}

/**
 * Ends the session here, tells its clients, and asks the connector how its own session ends. Here first: a person who
 * stops at the upstream's page has signed out all the same. compat(dex): there nothing ends until they come back.
 */
export async function endLocally(session: AuthSession, context: FlowContext, deps: FlowDeps): Promise<LocalLogout> {
  const ended = await endSession(session, deps);
  context.holder.letGo();
  context.logger.info("logout", {
    user_id: session.userId,
    connector_id: session.connectorId,
    session_id: session.id,
    clients: Object.keys(session.clientStates),
  });
  const [outcome, upstream] = await Promise.all([outcomeOf(ended), departFor(session, context, deps)]);
  return {
    outcome: upstream === undefined ? outcome : { ...outcome, upstream: { name: upstream.name, isEnded: false } },
    frames: framesOf(ended, deps.policy.issuer),
    ...(upstream?.leave === undefined ? {} : { upstream: upstream.leave }),
  };
}

async function outcomeOf({ clients, listening, told }: EndedSession): Promise<LogoutOutcome> {
  const heard = await told;
  const frames = clients.filter(hasFrame);
  const isTold = (client: Client): boolean => heard.has(client.id) || frames.includes(client);
  const pending = listening.filter((client) => !isTold(client));
  return {
    told: clients.filter(isTold).map(nameOf),
    pending: pending.map(nameOf),
    unaware: clients.filter((client) => !isTold(client) && !pending.includes(client)).map(nameOf),
  };
}

const nameOf = ({ name, id }: Client): string => (name === "" ? id : name);
const hasFrame = ({ frontchannelLogoutUri }: Client): boolean => frontchannelLogoutUri !== undefined;

/** OIDC Front-Channel Logout §3: who logs out at which issuer, so that nobody else can log out an application's person. */
function framesOf({ clients, session }: EndedSession, issuer: string): readonly string[] {
  return clients.flatMap(({ frontchannelLogoutUri }) => {
    if (frontchannelLogoutUri === undefined || !URL.canParse(frontchannelLogoutUri)) return [];
    const url = new URL(frontchannelLogoutUri);
    url.searchParams.set("iss", issuer);
    url.searchParams.set("sid", session.id);
    return [url.href];
  });
}

/** `leave` is undefined where the upstream was asked and could not say how. */
async function departFor(
  session: AuthSession,
  context: FlowContext,
  deps: FlowDeps,
): Promise<{ readonly name: string; readonly leave?: UpstreamDeparture } | undefined> {
  let name = session.connectorId;
  try {
    const open = await deps.connectors.open(session.connectorId);
    if (open?.connector.logout === undefined) return undefined;
    name = open.info.name;
    const handle = newStateHandle(deps.random);
    const { connectorData, upstreamSessionId } = session.extra ?? {};
    const departure = await open.connector.logout(
      {
        userId: session.userId,
        ...(connectorData === undefined ? {} : { connectorData }),
        ...(upstreamSessionId === undefined ? {} : { upstreamSessionId }),
        returnTo: new URL(`${deps.policy.issuer.replace(/\/$/, "")}/logout/callback`),
        state: handle,
      },
      context,
    );
    return departure === undefined ? undefined : { name, leave: { departure, handle } };
  } catch (error) {
    context.logger.warn("upstream logout failed", { connector_id: session.connectorId }, error);
    return { name };
  }
}
