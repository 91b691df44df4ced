import { type HttpRequest, MalformedError, type Params } from "../http/contract.ts";
import { OAuthError } from "../oauth/error.ts";

/** RFC 6749 §5.1: nothing on the way may keep a token, or what was said about one. */
export const uncached = { "cache-control": "no-store", pragma: "no-cache" };

/** The posted parameters of a machine: an empty one counts as absent. RFC 6749 §3.1. */
export interface MachineForm {
  get(name: string): string | undefined;
  all(name: string): readonly string[];
}

/**
 * `mayRepeat` names the parameters that may come twice, once the others are known.
 * @throws {OAuthError} It cannot be read, or another comes twice: RFC 6749 §3.2.
 */
export function readMachineForm(
  request: HttpRequest,
  mayRepeat: (form: Params) => readonly string[] = () => [],
): MachineForm {
  const form = parsed(request);
  const twice = form.repeated.length === 0 ? undefined : form.repeated.find((name) => !mayRepeat(form).includes(name));
  if (twice !== undefined) throw new OAuthError("invalid_request", `Parameter "${printable(twice)}" is repeated.`);
  return {
    get: (name) => form.get(name) || undefined,
    all: (name) => form.all(name).filter((value) => value !== ""),
  };
}

function parsed(request: HttpRequest): Params {
  try {
    return request.form();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new OAuthError("invalid_request", "", { cause: error });
  }
}

/** RFC 6749 §5.2 allows few characters in a description. */
const printable = (text: string): string => text.slice(0, 64).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?");
