import { goJson } from "../kernel/go-json.ts";
import type { HeaderValue, HttpAnswer } from "./contract.ts";

type Headers = Readonly<Record<string, HeaderValue>>;

const jsonHeaders: Headers = { "content-type": "application/json" };
const htmlHeaders: Headers = { "content-type": "text/html; charset=utf-8" };
const textHeaders: Headers = { "content-type": "text/plain; charset=utf-8" };

/** JSON without a newline; the content type has no charset, as clients know it from Dex. */
export const json = (status: number, value: object, headers?: Headers): HttpAnswer => ({
  status,
  headers: headers === undefined ? jsonHeaders : { ...jsonHeaders, ...headers },
  body: goJson(value),
});

export const html = (status: number, body: string, headers?: Headers): HttpAnswer => ({
  status,
  headers: headers === undefined ? htmlHeaders : { ...htmlHeaders, ...headers },
  body,
});

export const text = (status: number, body: string, headers?: Headers): HttpAnswer => ({
  status,
  headers: headers === undefined ? textHeaders : { ...textHeaders, ...headers },
  body,
});

/**
 * Sends the browser on: 303 where a form was posted or a credential is in the address, 302 else. Characters
 * that no header may hold are percent-encoded, so a line break in a target cannot begin a header of its own.
 * The body is empty: a link in it would be one more place where a target must be escaped.
 */
export const redirect = (status: 302 | 303, location: string, headers?: Headers): HttpAnswer => ({
  status,
  headers: { location: headerSafe(location), ...headers },
  body: "",
});

const headerSafe = (location: string): string =>
  /^[\x21-\x7e]*$/.test(location) ? location : location.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);

/** What Dex's router says to a path it does not know. */
export const notFound: HttpAnswer = text(404, "404 page not found\n");
