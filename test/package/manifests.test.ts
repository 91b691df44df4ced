/** deploy/: what is applied to a cluster or given to systemd, checked as far as this machine can. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { missing } from "../peer/peer.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "deploy/kubernetes");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");
const documents = (name: string): readonly unknown[] =>
  parseAllDocuments(read(name)).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as unknown;
  });

const metadata = z.object({ name: z.string() });
const kustomization = z.object({ resources: z.array(z.string()) }).parse(documents("kustomization.yaml")[0]);
const all = kustomization.resources.flatMap((name) =>
  documents(name).map((document) => z.looseObject({ kind: z.string(), metadata }).parse(document)),
);
const one = (kind: string, name: string) =>
  all.find((each) => each.kind === kind && each.metadata.name === name) ?? assert.fail(`no ${kind} ${name}`);

describe("deploy/kubernetes", () => {
  it("the role names every resource that has a definition, and nothing of anybody else's", () => {
    const role = z
      .object({
        rules: z.array(
          z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
        ),
      })
      .parse(one("Role", "dex"));
    const plurals = all
      .filter(({ kind }) => kind === "CustomResourceDefinition")
      .map(({ metadata: { name } }) => name.replace(/\.dex\.coreos\.com$/, ""));
    assert.ok(plurals.length >= 12, `${plurals.length} definitions`);
    assert.deepEqual(role.rules, [
      {
        apiGroups: ["dex.coreos.com"],
        resources: plurals.toSorted(),
        verbs: ["get", "list", "create", "update", "delete"],
      },
    ]);
    assert.ok(!all.some(({ kind }) => kind.startsWith("ClusterRole")));
  });

  it("the configuration that it mounts is valid", (t) => {
    const at = mkdtempSync(join(tmpdir(), "dex-manifests-"));
    t.after(() => rmSync(at, { recursive: true }));
    const secret = z.object({ stringData: z.object({ "config.yaml": z.string() }) }).parse(one("Secret", "dex-config"));
    writeFileSync(join(at, "config.yaml"), secret.stringData["config.yaml"]);
    const { status, stdout, stderr } = spawnSync(join(root, "bin/dex"), ["validate", join(at, "config.yaml")], {
      encoding: "utf8",
      env: { ...process.env, DEX_LDAP_PASSWORD: "x" },
    });
    assert.equal(status, 0, stdout + stderr);
    assert.doesNotMatch(stdout + stderr, /unknown key/);
  });

  it("ports, labels and mounts fit together, and the pods pass the restricted level", () => {
    const deployment = z
      .object({
        spec: z.object({
          replicas: z.number().min(2),
          selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
          template: z.object({
            metadata: z.object({ labels: z.record(z.string(), z.string()) }),
            spec: z.object({
              serviceAccountName: z.literal("dex"),
              securityContext: z.object({
                runAsNonRoot: z.literal(true),
                runAsUser: z.literal(1001),
                seccompProfile: z.object({ type: z.literal("RuntimeDefault") }),
              }),
              containers: z.tuple([
                z.object({
                  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
                  securityContext: z.object({
                    allowPrivilegeEscalation: z.literal(false),
                    readOnlyRootFilesystem: z.literal(true),
                    capabilities: z.object({ drop: z.tuple([z.literal("ALL")]) }),
                  }),
                }),
              ]),
            }),
          }),
        }),
      })
      .parse(one("Deployment", "dex")).spec;
    const { labels } = deployment.template.metadata;
    const [{ ports }] = deployment.template.spec.containers;
    assert.deepEqual(deployment.selector.matchLabels, labels);
    one("ServiceAccount", "dex");
    for (const name of ["dex", "dex-telemetry"]) {
      const { spec } = z
        .object({
          spec: z.object({
            selector: z.record(z.string(), z.string()),
            ports: z.array(z.object({ targetPort: z.string() })),
          }),
        })
        .parse(one("Service", name));
      assert.deepEqual(spec.selector, labels);
      for (const { targetPort } of spec.ports) assert.ok(ports.some(({ name: port }) => port === targetPort));
    }
    const config = read("config.yaml");
    for (const { containerPort } of ports) assert.match(config, new RegExp(`http: 0\\.0\\.0\\.0:${containerPort}\\b`));
  });
});

test("systemd understands the unit", { skip: missing({ "systemd-analyze": "systemd" }) }, (t) => {
  const at = mkdtempSync(join(tmpdir(), "dex-systemd-"));
  t.after(() => rmSync(at, { recursive: true }));
  // The program must be there to pass; where the bundle is unpacked is the operator's.
  const unit = readFileSync(join(root, "deploy/systemd/dex.service"), "utf8").replace("/opt/dex/bin/dex", "/bin/true");
  writeFileSync(join(at, "dex.service"), unit);
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", join(at, "dex.service")], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout + stderr);
  assert.doesNotMatch(stderr, /dex\.service/);
  const told = spawnSync("systemd-analyze", ["security", "--offline=yes", "--threshold=30", join(at, "dex.service")], {
    encoding: "utf8",
  });
  assert.equal(told.status, 0, told.stdout + told.stderr);
});
