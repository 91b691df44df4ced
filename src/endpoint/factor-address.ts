import type { HttpRequest } from "../http/contract.ts";

/** Which login, which factor, and the proof that this address is ours. compat(dex): from the form or the query. */
export function factorAddress(request: HttpRequest) {
  const [form, query] = [request.form(), request.query()];
  const read = (name: string): string => form.get(name) ?? query.get(name) ?? "";
  return { id: read("req"), mac: read("hmac"), authenticator: read("authenticator") };
}

/** The page's own address, query and all. */
export const ownAddress = ({ path, rawQuery }: HttpRequest): string => (rawQuery === "" ? path : `${path}?${rawQuery}`);

/** `/mfa/recovery` for the same login and factor. */
export const recoveryAddress = ({ rawQuery }: HttpRequest, issuerPath: string): string =>
  `${issuerPath}/mfa/recovery?${rawQuery}`;
