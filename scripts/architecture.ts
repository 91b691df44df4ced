/** The picture of the house, drawn from the imports that are really there, so that it cannot lie. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";

const root = join(import.meta.dirname, "..");

const report = z.object({
  modules: z.array(z.object({ source: z.string(), dependencies: z.array(z.object({ resolved: z.string() })) })),
});

/** Imported by everybody: their arrows would cover the picture. */
const ground: ReadonlySet<string> = new Set(["kernel", "oauth"]);

const isShipped = (path: string): boolean =>
  path.startsWith("src/") && !path.endsWith(".test.ts") && !/\/(conformance|testing)\//.test(path);
const roomOf = (path: string): string => path.split("/")[1] ?? "";
const isContract = (path: string): boolean => /\/(contract|records)\.ts$/.test(path);

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every import between two rooms that ship. */
export function readImports(): readonly Import[] {
  const tool = join(root, "node_modules/.bin/depcruise");
  const args = [tool, "src", "--output-type", "json"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
  if (stdout === "") throw new Error(`dependency-cruiser said nothing: ${stderr}`);
  const { modules } = report.parse(JSON.parse(stdout));
  return modules
    .flatMap(({ source, dependencies }) => dependencies.map(({ resolved }) => ({ from: source, to: resolved })))
    .filter(({ from, to }) => isShipped(from) && isShipped(to) && roomOf(from) !== roomOf(to));
}

/** `imports` as a Mermaid drawing: one box a room, a dotted arrow where only a contract is known. */
function drawRooms(imports: readonly Import[]): string {
  const arrows = new Map<string, boolean>();
  for (const { from, to } of imports) {
    if (ground.has(roomOf(to))) continue;
    const arrow = `${roomOf(from)} ${roomOf(to)}`;
    arrows.set(arrow, (arrows.get(arrow) ?? true) && isContract(to));
  }
  const lines = [...arrows].sort().map(([arrow, isContractOnly]) => {
    const [from, to] = arrow.split(" ");
    return `  ${from} ${isContractOnly ? "-. contract .->" : "-->"} ${to}`;
  });
  return ["flowchart LR", ...lines].join("\n");
}

export const architecturePage = (imports: readonly Import[]): string => `# The rooms and who imports whom

Drawn by \`make docs\` from the imports in \`src/\`; do not edit. A dotted arrow means that only a contract is known.
Every room may also use \`oauth\` (the vocabulary) and \`kernel\` (time, chance, secrets, the log); those two import
nothing of ours. The rules behind the picture are in \`scripts/rooms.cjs\`, and \`make test\` holds them.

\`\`\`mermaid
${drawRooms(imports)}
\`\`\`
`;
