/**
 * `make docs`: writes the generated pages of docs/reference and deploy/. `docs.ts --check` writes nothing and fails when a
 * page is not what would be written. A generated page is one line in the table.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { architecturePage, readImports } from "./architecture.ts";
import { configPage } from "./config-page.ts";
import { connectorsPage, readme } from "./connectors-page.ts";
import { customResourcesPage, rolePage } from "./custom-resources-page.ts";
import { differenceRowsJson } from "./difference-rows.ts";
import { protoTypes } from "./proto-types.ts";
import { checksPage, errorCodesPage } from "./vocabulary-pages.ts";

const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  "docs/reference/architecture.md": () => architecturePage(readImports()),
  "docs/reference/checks.md": checksPage,
  "docs/reference/config.md": configPage,
  "docs/reference/error-codes.md": errorCodesPage,
  "docs/reference/kubernetes-crds.yaml": customResourcesPage,
  "deploy/kubernetes/crds.yaml": customResourcesPage,
  "deploy/kubernetes/role.yaml": rolePage,
  "docs/reference/connectors.md": connectorsPage,
  "README.md": readme,
  "packages/client/proto/api.proto": () => readFileSync(join(import.meta.dirname, "../proto/api.proto"), "utf8"),
  "packages/client/proto/admin.proto": () => readFileSync(join(import.meta.dirname, "../proto/admin.proto"), "utf8"),
  "packages/client/api-messages.d.ts": () => protoTypes("proto/api.proto", "DexMethods"),
  "packages/client/admin-messages.d.ts": () => protoTypes("proto/admin.proto", "AdminMethods"),
  "src/config/difference-rows.json": differenceRowsJson,
  "src/admin/api-messages.ts": () => protoTypes("proto/api.proto", "DexMethods"),
  "src/admin/admin-messages.ts": () => protoTypes("proto/admin.proto", "AdminMethods"),
};

function onDisk(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const [page, write] of Object.entries(pages)) {
  const path = join(import.meta.dirname, "..", page);
  const text = await write();
  if (onDisk(path) === text) console.log(`fresh    ${page}`);
  else if (values.check) {
    console.log(`stale    ${page}: run 'make docs' and commit what changes`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`written  ${page}`);
  }
}
