import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { render } from "./render.ts";
import { TemplateError } from "./template-error.ts";

const env = { NAME: "dex", EMPTY: "", QUOTED: "a \"b\" 'c'", LINES: "one\ntwo\n\nthree" };

test("prints what the environment says", () => {
  for (const [source, expected] of [
    ['{{ getenv "NAME" }}', "dex"],
    ['{{getenv "NAME"}}', "dex"],
    ['{{ env.Getenv "NAME" "x" }}', "dex"],
    ['{{ getenv "NONE" }}|{{ getenv "NONE" "x" }}|{{ getenv "EMPTY" "y" }}', "|x|y"],
    ["{{ .Env.NAME }}:{{ .Env.EMPTY }}", "dex:"],
    ['{{ getenv "NONE" | default "x" }}{{ default "z" (getenv "NAME") }}', "xdex"],
    ['{{ getenv "NAME" | required "NAME is needed" | toUpper | quote }}', '"DEX"'],
    ["{{ .Env.QUOTED | squote }} {{ .Env.QUOTED | quote }}", `'a "b" ''c''' "a \\"b\\" 'c'"`],
    ["{{ indent 2 .Env.LINES }}", "  one\n  two\n\n  three"],
    ['{{ "ZGV4" | base64.Decode }}{{ base64.Encode "dex" }}', "dexZGV4"],
    ['{{ "{{" }} {{ `}} "` }} {{ "a\\tb" }} {{ 5 }} {{ true }}', '{{ }} " a\tb 5 true'],
  ] as const) {
    assert.equal(render(source, env), expected, source);
  }
});

test("chooses", () => {
  const source = '{{ if eq .Env.NAME "a" }}A{{ else if and (getenv "X") (not (getenv "EMPTY")) }}X{{ else }}E{{ end }}';
  assert.equal(render(source, { NAME: "a" }), "A");
  assert.equal(render(source, { NAME: "b", X: "1" }), "X");
  assert.equal(render(source, { NAME: "b" }), "E");
  // What is not taken is not looked at.
  assert.equal(render("{{ if false }}{{ .Env.NONE }}{{ if true }}x{{ end }}{{ end }}", {}), "");
  assert.equal(render('{{ if or "" (ne "a" "b") }}{{ if true }}x{{ end }}y{{ end }}', {}), "xy");
});

test("eats white space where it is told to, and comments", () => {
  assert.equal(render("a \n {{- /* why */ -}} \n b", {}), "ab");
  assert.equal(render("a {{/* why */}} b", {}), "a  b");
  assert.equal(render("a:\n{{- if true }}\n  b: 1\n{{- end }}\nc: 2\n", {}), "a:\n  b: 1\nc: 2\n");
  assert.equal(render("a {{- 1 -}} b", {}), "a1b");
});

test("reads secrets from files", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "dex-render-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "secret");
  writeFileSync(file, "hush\n");
  assert.equal(render('{{ getenv "SECRET" "x" }}', { SECRET_FILE: file }), "hush");
  assert.equal(render('{{ getenv "SECRET" }}', { SECRET_FILE: file, SECRET: "said" }), "said");
  assert.equal(render('{{ file.Read (getenv "F") }}', { F: file }), "hush\n");
  assert.throws(() => render('{{ getenv "SECRET" }}', { SECRET_FILE: join(folder, "none") }), TemplateError);
});

test("refuses what it does not know, with its line and without a value", () => {
  for (const [source, message] of [
    ["a\nb {{ .Env.NONE }}", "line 2: the environment variable NONE is not set"],
    ['{{/*\n*/}}\n{{ getenv "NONE" | required "NONE must be set" }}', "line 3: NONE must be set"],
    ["{{ range .Env }}", "line 1: `.Env` is not supported here"],
    ["{{ $x := 1 }}", "line 1: `$x` is not supported here"],
    ['{{ datasource "x" }}', "line 1: the function `datasource` is not supported"],
    ["{{ constructor }}", "line 1: the function `constructor` is not supported"],
    ["{{ getenv }}", "line 1: `getenv` takes 1 to 2 arguments, not 0"],
    ["{{ if true }}", "line 1: this `if` has no `end`"],
    ["\n{{ else }}", "line 2: `else` without an `if`"],
    ["{{ if true }}{{ else }}{{ else }}{{ end }}", "line 1: `else` without an `if`"],
    ["{{ end }}", "line 1: `end` without an `if`"],
    ["{{ if }}{{ end }}", "line 1: a value is missing"],
    ["{{ }}", "line 1: an empty action"],
    ["{{ 'x' }}", "line 1: `'x'` is not supported here"],
    ['{{ "x }}', "line 1: this action has no `}}`, or holds what is not supported"],
    ['{{ "x" "y" }}', "line 1: only a function takes arguments"],
    ['{{ (getenv "x" }}', "line 1: `(` without `)`"],
    ['{{ getenv "x") }}', "line 1: `)` without `(`"],
    [`{{ ${"(".repeat(60)}1${")".repeat(60)} }}`, "line 1: too many parentheses"],
  ] as const) {
    assert.throws(() => render(source, { SECRET: "hush" }), { name: "TemplateError", message }, source);
  }
});

test("text is itself, and no template fails in another way than its own", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes("{{"));
      assert.equal(render(text, env), text);
    }),
  );
  const piece = fc.constantFrom(
    ...[
      "{{",
      "}}",
      "{{-",
      "-}}",
      " ",
      "\n",
      "if ",
      "else",
      "end",
      '"a"',
      "`",
      "(",
      ")",
      "|",
      "getenv",
      ".Env.NAME",
      "/*",
      "*/",
    ],
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (pieces) => {
      try {
        assert.equal(typeof render(pieces.join(""), env), "string");
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});

test("the image's own configuration is Dex's keys, with everything said and with nothing said", () => {
  const source = readFileSync(join(import.meta.dirname, "../../../deploy/docker/config.docker.yaml"), "utf8");
  const bare: unknown = parse(render(source, {}));
  assert.deepEqual(bare, {
    issuer: "http://127.0.0.1:5556/dex",
    storage: { type: "sqlite3", config: { file: "/var/dex/dex.db" } },
    web: { http: "0.0.0.0:5556" },
    expiry: { authRequests: "24h", deviceRequests: "5m", idTokens: "24h" },
    signer: { type: "local", config: { algorithm: "RS256", keysRotationPeriod: "6h" } },
    logger: { level: "info", format: "text" },
    oauth2: { responseTypes: ["code"], skipApprovalScreen: false, alwaysShowLoginScreen: false },
    enablePasswordDB: true,
  });
  const full = parse(
    render(source, {
      DEX_WEB_HTTPS: "0.0.0.0:5554",
      DEX_WEB_TLS_CERT: "/tls/crt",
      DEX_WEB_TLS_KEY: "/tls/key",
      DEX_TELEMETRY_HTTP: "0.0.0.0:5558",
      DEX_OAUTH2_PASSWORD_CONNECTOR: "local",
      DEX_CONNECTORS_ENABLE_MOCK: "1",
    }),
  ) as Readonly<Record<string, unknown>>;
  assert.deepEqual(full.web, { http: "0.0.0.0:5556", https: "0.0.0.0:5554", tlsCert: "/tls/crt", tlsKey: "/tls/key" });
  assert.deepEqual(full.telemetry, { http: "0.0.0.0:5558" });
  assert.deepEqual(full.connectors, [{ type: "mockCallback", id: "mock", name: "Example" }]);
  assert.throws(() => render(source, { DEX_WEB_HTTPS: ":1" }), /DEX_WEB_TLS_CERT must be set/);
});
