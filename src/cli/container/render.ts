import { readFileSync } from "node:fs";
import { type Operand, type Part, type Pipeline, parseTemplate } from "./template.ts";
import { TemplateError } from "./template-error.ts";

type Value = string | boolean;
export type Env = Readonly<Record<string, string | undefined>>;

/** A function of the language. @throws {Error} Its message says what is wrong, without the values. */
interface Known {
  /** How many arguments it takes, at least and at most. */
  readonly takes: readonly [number, number];
  run(args: readonly Value[], env: Env): Value;
}

const isTrue = (value: Value | undefined): boolean => value !== undefined && value !== "" && value !== false;
const text = (value: Value | undefined): string => String(value ?? "");

const getenv: Known = {
  takes: [1, 2],
  /** compat(gomplate): unset, or empty, is looked for in the file that NAME_FILE names, as mounted secrets are. */
  run([name, fallback], env) {
    const value = env[text(name)];
    if (value !== undefined && value !== "") return value;
    const file = env[`${text(name)}_FILE`];
    if (file !== undefined && file !== "") return readFileSync(file, "utf8").trim();
    return text(fallback);
  },
};
const required: Known = {
  takes: [1, 2],
  run(args) {
    const value = args.at(-1);
    if (isTrue(value)) return value ?? "";
    throw new Error(args.length > 1 ? text(args[0]) : "can not render template: a required value was not set");
  },
};
const fallback: Known = { takes: [2, 2], run: ([other, value]) => (isTrue(value) ? value : other) ?? "" };
const quote: Known = { takes: [1, 1], run: ([value]) => JSON.stringify(text(value)) };
const squote: Known = { takes: [1, 1], run: ([value]) => `'${text(value).replaceAll("'", "''")}'` };
const trimSpace: Known = { takes: [1, 1], run: ([value]) => text(value).trim() };
const lower: Known = { takes: [1, 1], run: ([value]) => text(value).toLowerCase() };
const upper: Known = { takes: [1, 1], run: ([value]) => text(value).toUpperCase() };
const indent: Known = {
  takes: [2, 2],
  run([width, value]) {
    const spaces = Number(width);
    if (!Number.isInteger(spaces) || spaces < 0 || spaces > 100) throw new Error("indent takes a number from 0 to 100");
    return text(value).replace(/^(?=.)/gm, " ".repeat(spaces));
  },
};

/** Everything a template may call, under each name that gomplate has for it. */
const functions: ReadonlyMap<string, Known> = new Map<string, Known>([
  ["getenv", getenv],
  ["env.Getenv", getenv],
  ["required", required],
  ["test.Required", required],
  ["default", fallback],
  ["conv.Default", fallback],
  ["quote", quote],
  ["strings.Quote", quote],
  ["squote", squote],
  ["strings.Squote", squote],
  ["strings.TrimSpace", trimSpace],
  ["toLower", lower],
  ["strings.ToLower", lower],
  ["toUpper", upper],
  ["strings.ToUpper", upper],
  ["indent", indent],
  ["strings.Indent", indent],
  ["file.Read", { takes: [1, 1], run: ([path]) => readFileSync(text(path), "utf8") }],
  ["base64.Encode", { takes: [1, 1], run: ([value]) => Buffer.from(text(value)).toString("base64") }],
  ["base64.Decode", { takes: [1, 1], run: ([value]) => Buffer.from(text(value), "base64").toString() }],
  ["eq", { takes: [2, 2], run: ([a, b]) => a === b }],
  ["ne", { takes: [2, 2], run: ([a, b]) => a !== b }],
  ["not", { takes: [1, 1], run: ([value]) => !isTrue(value) }],
  ["and", { takes: [1, 20], run: (values) => values.find((value) => !isTrue(value)) ?? values.at(-1) ?? false }],
  ["or", { takes: [1, 20], run: (values) => values.find(isTrue) ?? values.at(-1) ?? false }],
]);

/** Whether `source` has anything to render. */
export const isTemplate = (source: string): boolean => source.includes("{{");

/** What `source` says with the environment `env`. @throws {TemplateError} It is wrong, or something it needs is missing. */
export const render = (source: string, env: Env): string => write(parseTemplate(source), env);

const write = (parts: readonly Part[], env: Env): string =>
  parts
    .map((part) => {
      if (part.kind === "text") return part.text;
      if (part.kind === "print") return text(evaluate(part.pipeline, env, part.line));
      const taken = part.branches.find(({ test, line }) => test === undefined || isTrue(evaluate(test, env, line)));
      return taken === undefined ? "" : write(taken.body, env);
    })
    .join("");

function evaluate(pipeline: Pipeline, env: Env, line: number): Value {
  let value: Value | undefined;
  for (const { head, args } of pipeline) {
    if (head.kind === "function") {
      const given = args.map((arg) => worthOf(arg, env, line));
      value = call(head.name, value === undefined ? given : [...given, value], env, line);
    } else value = worthOf(head, env, line);
  }
  return value ?? "";
}

function worthOf(operand: Operand, env: Env, line: number): Value {
  switch (operand.kind) {
    case "text":
      return operand.text;
    case "truth":
      return operand.value;
    case "pipeline":
      return evaluate(operand.pipeline, env, line);
    case "function":
      return call(operand.name, [], env, line);
    case "variable": {
      const value = env[operand.name];
      if (value === undefined) throw new TemplateError(line, `the environment variable ${operand.name} is not set`);
      return value;
    }
  }
}

function call(name: string, args: readonly Value[], env: Env, line: number): Value {
  const known = functions.get(name);
  if (known === undefined) throw new TemplateError(line, `the function \`${name}\` is not supported`);
  const [least, most] = known.takes;
  if (args.length < least || args.length > most)
    throw new TemplateError(
      line,
      `\`${name}\` takes ${least === most ? least : `${least} to ${most}`} arguments, not ${args.length}`,
    );
  try {
    return known.run(args, env);
  } catch (error) {
    throw new TemplateError(line, error instanceof Error ? error.message : `\`${name}\` failed`, { cause: error });
  }
}
