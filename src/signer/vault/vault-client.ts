import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { VaultSettings } from "./settings.ts";

/** One call: `path` below `/v1/`. */
export interface VaultCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  /** A login has none yet. */
  readonly token?: Secret;
}

/** The answer's JSON, not yet looked at. @throws {VaultRefusal} Vault said no. @throws {UnavailableError} It is away. */
export type CallVault = (call: VaultCall) => Promise<unknown>;

/** Vault answered, and not with what was asked for. */
export class VaultRefusal extends Error {
  override readonly name = "VaultRefusal";
  readonly status: number;
  /** What came with it: a refused batch has its results here. */
  readonly answer: unknown;

  constructor(status: number, message: string, answer: unknown) {
    super(message);
    this.status = status;
    this.answer = answer;
  }
}

/** Speaks Vault's HTTP API. https://openbao.org/api-docs/ */
export function openVaultClient(
  { address, namespace }: Pick<VaultSettings, "address" | "namespace">,
  fetch: typeof globalThis.fetch,
): CallVault {
  const base = `${address.href.replace(/\/+$/, "")}/v1/`;
  return async ({ method, path, body, token }) => {
    const response = await asUnavailable(() =>
      fetch(base + path, {
        method,
        // A token goes nowhere but to the address it is for.
        redirect: "error",
        headers: {
          "x-vault-request": "true",
          ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
          ...(token === undefined ? {} : { "x-vault-token": token.reveal() }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    const answer = parse(await response.text());
    if (response.ok) return answer;
    throw new VaultRefusal(
      response.status,
      `${method} ${path}: ${response.status} ${reasons(answer)}`.trimEnd(),
      answer,
    );
  };
}

async function asUnavailable(ask: () => Promise<Response>): Promise<Response> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BadAnswerError) throw new UnavailableError("signer", error.message, { cause: error });
    throw error;
  }
}

/** Undefined for what is no JSON: a proxy's page, or nothing at all. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Vault's own words, such as "Vault is sealed": one line, cut short. They quote neither tokens nor input. */
function reasons(answer: unknown): string {
  if (typeof answer !== "object" || answer === null || !("errors" in answer) || !Array.isArray(answer.errors))
    return "";
  return answer.errors
    .filter((each) => typeof each === "string")
    .join("; ")
    .replace(/\s+/g, " ")
    .slice(0, 300);
}
