import { stringify } from "yaml";
import { definitionOf } from "../src/storage/kubernetes/custom-resources.ts";
import { kindNames } from "../src/storage/shared/record-key.ts";

const head = `# Every custom resource that the storage type \`kubernetes\` keeps: Dex's, and ours that begin with \`dexts\`.
# With \`crdHandling: ensure\` the server creates those that are missing by itself.
`;

/** For `kubectl apply -f`: one document per kind of record. */
export const customResourcesPage = (): string =>
  head + kindNames.map((kind) => stringify(definitionOf(kind))).join("---\n");
