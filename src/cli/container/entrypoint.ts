import { accessSync, constants, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type Env, isTemplate, render } from "./render.ts";

/** What becomes of the process. */
export interface Start {
  /** Absolute path. */
  readonly file: string;
  readonly args: readonly string[];
}

/** Where the entry point looks, and where it may write. */
export interface Place {
  readonly env: Env;
  /** Relative templates are in here: `/etc/dex`. */
  readonly configFolder: string;
  /** Rendered configurations go in here: `/tmp`. */
  readonly temporary: string;
}

/**
 * What a container with these arguments runs. compat(dex): cmd/docker-entrypoint. Only `dex serve` renders templates,
 * and only arguments that end in `.tpl`, `.tmpl` or `.yaml`. A file without templates is served where it lies, so that
 * a mounted configuration is seen to change and no `/tmp` is needed. @throws {Error} The message is for the operator.
 */
export function startOf(args: readonly string[], place: Place): Start {
  const [command] = args;
  if (command === undefined) throw new Error("no args passed to entrypoint");
  const file = find(command, place.env);
  if (file === undefined)
    throw new Error(`cannot lookup path for command ${command}: executable file not found in $PATH`);
  const isDex = command === "dex" || command === find("dex", place.env);
  if (!isDex || args[1] !== "serve") return { file, args };
  return { file, args: args.map((arg) => (isConfig(arg) ? rendered(arg, place) : arg)) };
}

const isConfig = (arg: string): boolean => !arg.startsWith("-") && /\.(tpl|tmpl|yaml)$/.test(arg);

/** The path of the configuration to serve. */
function rendered(arg: string, { env, configFolder, temporary }: Place): string {
  const inFolder = resolve(configFolder, arg);
  const path = existsSync(inFolder) ? inFolder : resolve(arg);
  let text: string;
  try {
    const source = readFileSync(path, "utf8");
    if (!isTemplate(source)) return path;
    text = render(source, env);
  } catch (error) {
    throw new Error(`${arg}: ${error instanceof Error ? error.message : "cannot be read"}`, { cause: error });
  }
  const name = `${basename(path).replace(/\.(tpl|tmpl|yaml)$/, "")}.yaml`;
  try {
    // A folder of our own that nobody else may enter: it holds expanded secrets.
    const target = join(mkdtempSync(join(temporary, "dex-")), name);
    writeFileSync(target, text, { mode: 0o600, flag: "wx" });
    return target;
  } catch (error) {
    // compat(dex): the message's beginning.
    const reason = error instanceof Error ? error.message : "unknown";
    throw new Error(
      `cannot create temp file: ${reason}: a configuration that is a template needs a ${temporary} to write to`,
      {
        cause: error,
      },
    );
  }
}

/** The program that a shell would start. */
function find(command: string, { PATH = "" }: Env): string | undefined {
  if (command === "") return undefined;
  const candidates = command.includes("/")
    ? [resolve(command)]
    : PATH.split(":").map((folder) => resolve(folder, command));
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
