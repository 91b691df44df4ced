/**
 * `make bundle`: everything that runs, in one folder without `node_modules` to install:
 *
 *     dex.mjs         the command line; `node dex.mjs serve config.yaml`
 *     bin/            the same commands as in the source, for PATH
 *     lib/            chunks that are loaded when they are needed, threads, assets, protocols
 *     node_modules/   native addons alone
 *
 * A connector, a storage or a library that is loaded lazily in the source is a chunk of its own here. The code that
 * they and the server share is one chunk: see {@link core}.
 */
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, type Metafile, type Plugin } from "esbuild";
import { addons, copyAddons } from "./addons.ts";
import { lazyPackages } from "./lazy-packages.ts";
import { plainBuiltins } from "./plain-builtins.ts";
import { findReferences, redirectReferences, shippedName } from "./references.ts";
import { buildVersion } from "./version.ts";

const root = join(import.meta.dirname, "../..");

/** CommonJS inside a module: esbuild's `require` of what Node itself brings needs a real one. */
const banner = `import { createRequire as dexCreateRequire } from "node:module";
const require = dexCreateRequire(import.meta.url);`;

/**
 * What a running server always has. esbuild makes a chunk of all code that the same entries reach, and each lazy part is an
 * entry: the server would begin with sixty files, of which each costs half a millisecond. So all lazy parts, the
 * commands too, reach all of this, and it is one file, loaded whole.
 */
const core = ["src/cli/serve.ts", "src/server/server.ts", "src/config/config.ts"].map((file) => join(root, file));
/** These need none of it, and somebody waits for them. */
const apart = ["cli/run", "cli/version", "cli/help", "cli/ask", "cli/admin/admin", "server/admin-client"].map((name) =>
  join(root, `src/${name}.ts`),
);

const withCore = (path: string, lazy: ReadonlySet<string>): string =>
  lazy.has(path) && !apart.includes(path) ? core.map((file) => `\nimport ${JSON.stringify(file)};`).join("") : "";

/** Said this way, esbuild sees which parts of zod nobody uses: 64 languages among them. */
const withUsedParts = (text: string): string => text.replace('import { z } from "zod";', 'import * as z from "zod";');

/** Our references lead to their places in lib/, and the version is this build's. */
const ours = (version: string, lazy: ReadonlySet<string>): Plugin => ({
  name: "ours",
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      if (!path.startsWith(join(root, "src"))) return undefined;
      const contents = withUsedParts(redirectReferences(await readFile(path, "utf8"))) + withCore(path, lazy);
      return { contents, loader: "ts" };
    });
    onLoad({ filter: /\/package\.json$/ }, ({ path }) =>
      path === join(root, "package.json") ? { contents: JSON.stringify({ version }), loader: "json" } : undefined,
    );
  },
});

/** Of the Kubernetes client we use the kubeconfig alone; its package would bring 14 MB of generated types along. */
const kubeconfigOnly: Plugin = {
  name: "kubeconfig-only",
  setup({ onResolve }) {
    const entry = createRequire(import.meta.url).resolve("@kubernetes/client-node");
    onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({ path: join(dirname(entry), "config.js") }));
  },
};

/** Packages that read a protocol beside their own code: they find it in lib/ under their own name. */
const withProtocols = ["@grpc/reflection", "grpc-health-check"];
const protocolsOfPackages: Plugin = {
  name: "protocols-of-packages",
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/(@grpc\/reflection|grpc-health-check)\/.*\.js$/ }, async ({ path }) => {
      const within = path.slice(path.lastIndexOf("/node_modules/") + "/node_modules/".length);
      const place = `require("node:path").join(dexLib, ${JSON.stringify(dirname(within))})`;
      return { contents: (await readFile(path, "utf8")).replaceAll("__dirname", place), loader: "js" };
    });
  },
};

export interface Bundle {
  readonly version: string;
  readonly metafile: Metafile;
}

/** Writes the bundle into `folder` and leaves whatever else is there. @throws {Error} esbuild reports what it does not understand. */
export async function writeBundle(folder: string, version = buildVersion(root)): Promise<Bundle> {
  for (const part of ["dex.mjs", "dex.mjs.map", "bin", "lib", "node_modules", "LICENSE"]) {
    rmSync(join(folder, part), { recursive: true, force: true });
  }
  const { entries, assets, lazy } = findReferences(root);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [
      { in: "src/cli/main.ts", out: "dex" },
      { in: "src/cli/container/main.ts", out: "lib/docker-entrypoint" },
      ...entries.map((entry) => ({ in: entry, out: `lib/${shippedName(entry).replace(/\.mjs$/, "")}` })),
    ],
    outdir: folder,
    chunkNames: "lib/[name]-[hash]",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Stacks stay readable without the maps: lines and names are kept, only what cannot be reached goes.
    minifySyntax: true,
    sourcemap: "external",
    sourcesContent: false,
    legalComments: "linked",
    metafile: true,
    banner: { js: `${banner}\nconst dexLib = import.meta.dirname;` },
    external: addons,
    plugins: [plainBuiltins, ours(version, lazy), kubeconfigOnly, protocolsOfPackages, lazyPackages(addons)],
    logLevel: "warning",
  });
  for (const asset of assets) cpSync(asset, join(folder, "lib", shippedName(asset)), { recursive: true });
  for (const name of withProtocols) copyProtocols(name, join(folder, "lib"));
  copyAddons(root, folder);
  writeCommands(folder);
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  return { version, metafile };
}

function copyProtocols(name: string, lib: string): void {
  const from = join(root, "node_modules", name);
  const files = globSync("**/*.proto", { cwd: from, exclude: ["node_modules"] });
  if (files.length === 0) throw new Error(`${name} has no protocols any more`);
  for (const file of files) cpSync(join(from, file), join(lib, name, file));
}

/** The commands of bin/, of which `dex` starts the bundle. */
function writeCommands(folder: string): void {
  mkdirSync(join(folder, "bin"), { recursive: true });
  const source = readFileSync(join(root, "bin/dex"), "utf8");
  const command = source.replace("$root/src/cli/main.ts", "$root/dex.mjs");
  const nodeSource = readFileSync(join(root, "bin/node"), "utf8");
  const node = nodeSource
    .replace(/^ {2}Linux \(x64, arm64\):.*\n/m, "")
    .replace("elsewhere:           install", "Install");
  if (command === source || node === nodeSource) throw new Error("bin/ is not what it was when this was written");
  for (const [name, text] of [
    ["dex", command],
    ["node", node],
  ] as const) {
    writeFileSync(join(folder, "bin", name), text);
    chmodSync(join(folder, "bin", name), 0o755);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "dist") } } });
  const folder = resolve(values.out);
  const { version, metafile } = await writeBundle(folder);
  const bytes = Object.values(metafile.outputs).reduce((total, output) => total + output.bytes, 0);
  console.log(
    `dex ${version} in ${relative(process.cwd(), folder) || basename(folder)}/: ${(bytes / 1e6).toFixed(1)} MB with maps`,
  );
}
