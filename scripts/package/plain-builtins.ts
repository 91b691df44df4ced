import { builtinModules } from "node:module";
import type { Plugin } from "esbuild";

const namespace = "builtin";

/**
 * What Node brings itself, without the detour through its ES module: that one asks each module for everything it has,
 * and `node:http` then loads all of undici, a fifth of a start. Types are erased, so names that are used here are values.
 */
export const plainBuiltins: Plugin = {
  name: "plain-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" && isBuiltin(path) ? { path, namespace, sideEffects: false } : undefined,
    );
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `const $whole = process.getBuiltinModule(${JSON.stringify(path)});
export default $whole;
${namesOf(path)
  .map((name) => `export const ${name} = /* @__PURE__ */ $get(${JSON.stringify(name)});`)
  .join("\n")}
function $get(name) { return $whole[name]; }`,
      loader: "js",
    }));
  },
};

const isBuiltin = (path: string): boolean =>
  builtinModules.includes(path) || builtinModules.includes(path.slice("node:".length));

/** Names only: what stands behind them is asked for where one is used. */
const namesOf = (path: string): readonly string[] =>
  Object.keys(process.getBuiltinModule(path) ?? {}).filter(
    (name) => /^[A-Za-z_$][\w$]*$/.test(name) && !reserved.has(name),
  );

const reserved = new Set(["default", "import", "export", "delete", "process"]);
