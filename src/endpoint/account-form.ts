import { type HttpRequest, PageError } from "../http/contract.ts";
import type { AuthSession } from "../storage/records.ts";
import type { Provider } from "./provider.ts";

/** The account pages' forms, bound to the session: one of another session, or of before a new login, does nothing (CSRF). */
const purpose = "account/form";
export const placeOfSession = ({ id, secret }: AuthSession): string => `${id} ${secret.reveal()}`;

export const sealAccountForm = (session: AuthSession, { flow }: Provider): string =>
  flow.sealer.seal(purpose, placeOfSession(session), "");

/** @throws {PageError} The form is not this session's. */
export function assertAccountForm(request: HttpRequest, session: AuthSession, { flow }: Provider): void {
  if (flow.sealer.open(purpose, placeOfSession(session), request.form().get("csrf") ?? "") === undefined) {
    throw new PageError(403, "refusal.formOld");
  }
}
