import { stringify } from "yaml";
import { definitionOf } from "../src/storage/kubernetes/custom-resources.ts";
import { resources as tableOfResources } from "../src/storage/kubernetes/resources.ts";
import { kindNames } from "../src/storage/shared/record-key.ts";

const head = `# Every custom resource that the storage type \`kubernetes\` keeps: Dex's, and ours that begin with \`dexts\`.
# With \`crdHandling: ensure\` the server creates those that are missing by itself.
`;

/** For `kubectl apply -f`: one document per kind of record. */
export const customResourcesPage = (): string =>
  head + kindNames.map((kind) => stringify(definitionOf(kind))).join("---\n");

const roleHead = `# What the server may do: its own objects in its own namespace, kind by kind, and nothing else. It neither watches nor
# patches. The definitions are applied beside it (crds.yaml), so it needs no right to create them.
`;

/** The least that the storage type `kubernetes` works with. */
export const rolePage = (): string => {
  const metadata = { name: "dex" };
  const resources = kindNames.map((kind) => tableOfResources[kind].plural).sort();
  const verbs = ["get", "list", "create", "update", "delete"];
  const rbac = { group: "rbac.authorization.k8s.io", version: "rbac.authorization.k8s.io/v1" };
  return (
    roleHead +
    [
      {
        apiVersion: rbac.version,
        kind: "Role",
        metadata,
        rules: [{ apiGroups: ["dex.coreos.com"], resources, verbs }],
      },
      {
        apiVersion: rbac.version,
        kind: "RoleBinding",
        metadata,
        roleRef: { apiGroup: rbac.group, kind: "Role", name: "dex" },
        subjects: [{ kind: "ServiceAccount", name: "dex" }],
      },
    ]
      .map((document) => stringify(document))
      .join("---\n")
  );
};
