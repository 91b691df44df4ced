/** Two pages of the reference, read off the code: the checks that trails name, and the error codes that clients are told. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OAuthError, type OAuthErrorCode } from "../src/oauth/error.ts";

const root = join(import.meta.dirname, "..");

interface Source {
  readonly file: string;
  readonly text: string;
}

const sources = (): readonly Source[] =>
  globSync("src/**/*.ts", { cwd: root })
    .filter((file) => !/\.test\.ts$|\/testing\/|\/conformance\//.test(file))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));

/** How a check is named where it is asked: in a decision, in a rule, or as the first word of a refusal. */
const naming = /(?:\b(?:check|policy): |\brefuse\(context, |\bSamlRefusal\()\s*"([a-z_]+(?:\.[a-z_]+)+)"/g;

/** Every check, and the files that ask it. */
export function checksInCode(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const { file, text } of sources()) {
    for (const [, check = ""] of text.matchAll(naming)) {
      const files = found.get(check) ?? new Set<string>();
      found.set(check, files.add(file));
    }
  }
  return new Map([...found].toSorted().map(([check, files]) => [check, [...files]]));
}

const linkTo = (file: string): string => `[${file.replace(/^src\//, "")}](../../${file})`;

/** docs/reference/checks.md. */
export function checksPage(): string {
  const rows = [...checksInCode()].map(([check, files]) => `| \`${check}\` | ${files.map(linkTo).join(", ")} |`);
  return `# Checks

Written by \`make docs\` from the code; do not edit. Each decision of a request names the check, its outcome (\`pass\`, \`fail\`,
\`skip\`, \`chose\`), the reason and the rule, a section of a specification or our own policy. The log has them as
\`msg=decision\` under the request's \`trace_id\`, \`dex explain\` prints them, and \`dex_decisions_total\` counts them.
Names are stable: they are added, never renamed. [The guide to operations](../guide/operations.md) says how to read them.

| Check | Asked in |
| --- | --- |
${rows.join("\n")}
`;
}

/** Every code of the union in \`oauth/error.ts\`. */
export function errorCodesInCode(): readonly OAuthErrorCode[] {
  const { text = "" } = sources().find(({ file }) => file === "src/oauth/error.ts") ?? {};
  const union = /type OAuthErrorCode =([^;]*);/.exec(text)?.[1] ?? "";
  return [...union.matchAll(/"([a-z_]+)"/g)].map(([, code]) => code as OAuthErrorCode);
}

/** docs/reference/error-codes.md. */
export function errorCodesPage(): string {
  const files = sources().filter(({ file }) => file !== "src/oauth/error.ts");
  const rows = errorCodesInCode().map((code) => {
    const users = files.filter(({ text }) => text.includes(`"${code}"`)).map(({ file }) => linkTo(file));
    return `| \`${code}\` | ${new OAuthError(code, "").status} | ${users.join(", ")} |`;
  });
  return `# Error codes

Written by \`make docs\` from the code; do not edit. What clients are told as \`error\` (RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6,
RFC 6750 §3.1, RFC 8628 §3.5, RFC 8693 §2.2.2), with the status where the answer is no redirect.

| Code | Status | Used in |
| --- | --- | --- |
${rows.join("\n")}
`;
}
