import type { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { quoteGo } from "../../kernel/go-quote.ts";
import { parseJson } from "./json.ts";

/**
 * What an upstream answered, checked by `schema`. `what` names the call, "github: user".
 * @throws {UnavailableError} It is overloaded or broken: 429, 5xx.
 * @throws {BadAnswerError} Another status than 2xx, no JSON, or not this shape. Values are not quoted.
 */
export async function readJson<T>(response: Response, schema: z.ZodType<T>, what: string): Promise<T> {
  await mustSucceed(response, what);
  let value: unknown;
  try {
    value = parseJson(await response.text());
  } catch {
    throw new BadAnswerError(`${what}: answered with something that is no JSON`);
  }
  return readValue(value, schema, what);
}

/** The same for a value that is there already. @throws {BadAnswerError} It has not this shape. */
export function readValue<T>(value: unknown, schema: z.ZodType<T>, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // Of the issues only the place: a message may quote the value.
  const places = parsed.error.issues.map(({ path }) => (path.length === 0 ? "the answer" : quoteGo(path.join("."))));
  throw new BadAnswerError(`${what}: unexpected type of ${[...new Set(places)].slice(0, 5).join(", ")}`);
}

/** @throws As {@link readJson}, for a status that is no success. */
export async function mustSucceed(response: Response, what: string): Promise<void> {
  if (response.ok) return;
  const { status } = response;
  const said = complaintIn(await response.text());
  const message = `${what}: status ${status}${said === "" ? "" : `: ${said}`}`;
  if (status === 429 || status >= 500) throw new UnavailableError(what, message);
  throw new BadAnswerError(message);
}

/** What an upstream says is wrong, in the places where the usual ones say it. Never the body as it is: it may hold anything. */
export function complaintIn(body: string): string {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch {
    return "";
  }
  const said = ["error", "error_description", "message", "error_uri"].flatMap((name) => {
    const member = memberOf(value, name);
    const words = typeof member === "string" ? member : (memberOf(member, "message") ?? memberOf(member, "code"));
    return typeof words === "string" && words !== "" ? [quoteGo(words.slice(0, 200))] : [];
  });
  return said.join(" ");
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
