import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";

/** Marks the modules below in esbuild's own words. */
export const namespace = "lazy";

const isName = (text: string): boolean => /^[A-Za-z_$][\w$]*$/.test(text) && text !== "default";

/**
 * A package in CommonJS that is loaded by `import()`. esbuild makes it a chunk with a default export alone, while Node
 * exports its names too, which is what the source asks for. So a module is put before it that exports what Node, asked
 * now, says that it exports. `but`: names that are left to Node.
 */
export const lazyPackages = (but: readonly string[]): Plugin => ({
  name: "lazy-packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^.]/ }, async ({ path, kind }) => {
      if (kind !== "dynamic-import" || path.startsWith("node:") || path.startsWith("/") || but.includes(path))
        return undefined;
      const { "module.exports": isCommonJs } = (await import(path)) as { readonly "module.exports"?: unknown };
      return isCommonJs === undefined ? undefined : { path, namespace };
    });
    onLoad({ filter: /.*/, namespace }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter(isName);
      const file = fileURLToPath(import.meta.resolve(path));
      return {
        contents: `const whole = require(${JSON.stringify(file)});
export default whole;
${names.map((name, at) => `const _${at} = whole.${name}; export { _${at} as ${name} };`).join("\n")}`,
        loader: "js",
        resolveDir: import.meta.dirname,
      };
    });
  },
});
