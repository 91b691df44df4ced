import type { LogoutTarget } from "../flow/logout-step.ts";
import type { AuthSession } from "../storage/records.ts";
import type { Provider } from "./provider.ts";

/** The form's proof that its person was asked: nobody else can make one, so no other site can end a session (CSRF). */
export const confirmationField = "confirm";

const purpose = "logout/confirm";
const lifetime = 3_600_000;

/** A form that was opened before a new login is no answer to the question after it. */
const bindingOf = ({ id, secret }: AuthSession): string => `${id} ${secret.reveal()}`;

type Wire = readonly [madeAt: number, clientId: string, uri: string, state: string];

export function sealConfirmation(next: LogoutTarget, session: AuthSession, { flow, clock }: Provider): string {
  const wire: Wire = [clock.now(), next.clientId, next.postLogoutRedirectUri, next.state];
  return flow.sealer.seal(purpose, bindingOf(session), JSON.stringify(wire));
}

/** What {@link sealConfirmation} made for this very session, if not too long ago. */
export function openConfirmation(
  sealed: string,
  session: AuthSession,
  { flow, clock }: Provider,
): LogoutTarget | undefined {
  const text = flow.sealer.open(purpose, bindingOf(session), sealed);
  if (text === undefined) return undefined;
  // The seal authenticates the text, so it is ours and needs no second schema.
  const [madeAt, clientId, postLogoutRedirectUri, state] = JSON.parse(text) as Wire;
  return clock.now() - madeAt > lifetime ? undefined : { clientId, postLogoutRedirectUri, state };
}
