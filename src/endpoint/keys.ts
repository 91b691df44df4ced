import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import type { Provider } from "./provider.ts";

/** `/keys`: the JWK set. RFC 7517 §5. */
export async function keysEndpoint(_request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const keys = await provider.signer.publicKeys();
  const cacheControl = `max-age=${provider.keysMaxAge}, must-revalidate`;
  const headers = { "content-type": "application/json", "cache-control": cacheControl };
  return { status: 200, headers, body: textOf(keys) };
}

type Keys = Awaited<ReturnType<Provider["signer"]["publicKeys"]>>;

const texts = new WeakMap<Keys, string>();

/** The signer hands out the same list until its keys change. */
function textOf(keys: Keys): string {
  let text = texts.get(keys);
  if (text === undefined) {
    text = JSON.stringify({ keys }, undefined, 2);
    texts.set(keys, text);
  }
  return text;
}
