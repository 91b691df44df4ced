import { CommandError } from "../terminal.ts";
import type { AdminFlag, Given } from "./contract.ts";

/** The two ways to hand over the secret called `name`. */
export const secretFlags = (name: string): Readonly<Record<string, AdminFlag>> => ({
  [`${name}-stdin`]: { kind: "switch", summary: `Read the ${name} from standard input` },
  [`${name}-env`]: { kind: "text", summary: `Name of the variable that holds the ${name}` },
});

/** The secret, or empty where it was not offered. @throws {CommandError} It was offered, and there is none. */
export async function readSecret(name: string, { text, has, terminal }: Given): Promise<string> {
  const variable = text(`${name}-env`);
  if (variable !== "") {
    const value = terminal.env[variable] ?? "";
    if (value === "") throw new CommandError(`the variable ${variable} is not set`);
    return value;
  }
  if (!has(`${name}-stdin`)) return "";
  const value = await terminal.ask(`${name}: `, true);
  if (value === "") throw new CommandError(`no ${name} on standard input`);
  return value;
}

/** A secret that must be there: asked for where no flag says otherwise. */
export async function demandSecret(name: string, given: Given): Promise<string> {
  const offered = await readSecret(name, given);
  if (offered !== "") return offered;
  const value = await given.terminal.ask(`${name}: `, true);
  if (value === "") throw new CommandError(`no ${name} on standard input`);
  return value;
}
