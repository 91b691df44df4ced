import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "yaml";
import { loadConfig } from "./config.ts";

type Env = Readonly<Record<string, string>>;

const base = {
  issuer: "https://dex.example.com",
  storage: { type: "memory" },
  web: { http: "127.0.0.1:0" },
  connectors: [{ type: "mockCallback", id: "mock", name: "Mock" }],
};

async function read(traces: object, env: Env = {}) {
  const loaded = await loadConfig(stringify({ ...base, telemetry: { traces } }), { env });
  const said = loaded.ok ? loaded.warnings : loaded.mistakes;
  return {
    traces: loaded.ok ? loaded.config.telemetry.traces : undefined,
    ok: loaded.ok,
    about: said.filter(({ path }) => path.startsWith("telemetry")).map(({ message }) => message),
  };
}

const endpoint = "http://collector:4318/v1/traces";

test("there are no traces without an address", async () => {
  for (const env of [
    {},
    { OTEL_SERVICE_NAME: "dex" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_SDK_DISABLED: "true" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_TRACES_EXPORTER: "none" },
  ]) {
    assert.deepEqual(await read({}, env), { traces: undefined, ok: true, about: [] });
  }
});

test("the file goes before the variable of traces, and that before the one of all signals, which lacks the path", async () => {
  const all: Env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://all:4318/" };
  const own: Env = { ...all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://own:1/x" };
  assert.equal((await read({}, all)).traces?.endpoint, "http://all:4318/v1/traces");
  assert.equal((await read({}, own)).traces?.endpoint, "http://own:1/x");
  assert.equal((await read({ endpoint }, own)).traces?.endpoint, endpoint);
});

test("headers come from the file, from a variable it names, or from the standard one", async () => {
  const env = { MINE: "a=1", OTEL_EXPORTER_OTLP_HEADERS: "b=%20two, c=3" };
  const headersOf = async (more: object) => (await read({ endpoint, ...more }, env)).traces?.headers.reveal();
  assert.deepEqual(await headersOf({}), { b: " two", c: "3" });
  assert.deepEqual(await headersOf({ headers: "authorization=Bearer x=" }), { authorization: "Bearer x=" });
  assert.deepEqual(await headersOf({ headersEnv: "MINE" }), { a: "1" });
});

test("the sampler is all, followed by what the variables and the file say", async () => {
  const samplerOf = async (more: object, env: Env) => {
    const { traces } = await read({ endpoint, ...more }, env);
    return [traces?.sampleRatio, traces?.followsCaller];
  };
  assert.deepEqual(await samplerOf({}, {}), [1, true]);
  assert.deepEqual(await samplerOf({ sampleRatio: 0 }, {}), [0, true]);
  assert.deepEqual(await samplerOf({}, { OTEL_TRACES_SAMPLER: "always_off" }), [0, false]);
  const ratio = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" };
  assert.deepEqual(await samplerOf({}, ratio), [0.25, true]);
  assert.deepEqual(await samplerOf({ sampleRatio: 0.5 }, { OTEL_TRACES_SAMPLER: "traceidratio" }), [0.5, false]);
});

test("what cannot be meant is refused in a file, and is a warning where the environment may be meant for others", async () => {
  const refused: readonly (readonly [object, Env, RegExp])[] = [
    [{ endpoint: "collector:4317" }, {}, /http or https/],
    [{ endpoint, headers: "no value" }, {}, /name=value/],
    [{ endpoint, headers: "a=%zz" }, {}, /name=value/],
    [{ endpoint, headersEnv: "UNSET" }, {}, /UNSET is empty/],
    [{ endpoint }, { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /not as grpc/],
    [{ endpoint }, { OTEL_TRACES_SAMPLER: "xray" }, /sampler/],
    [{ endpoint }, { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" }, /sampler/],
    [{ endpoint }, { OTEL_RESOURCE_ATTRIBUTES: "nothing" }, /OTEL_RESOURCE_ATTRIBUTES/],
  ];
  for (const [traces, env, message] of refused) {
    const { ok, about } = await read(traces, env);
    assert.equal(ok, false);
    assert.match(about.join(), message);
  }
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
  const { ok, traces, about } = await read({}, env);
  assert.deepEqual([ok, traces], [true, undefined]);
  assert.match(about.join(), /no traces: OTLP is spoken as http\/protobuf/);
  assert.equal((await read({ endpoint, sampleRatio: 1.5 })).ok, false);
});
