import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { goJson } from "../../../kernel/go-json.ts";
import { plain } from "../../conformance/plain.ts";
import { parseEndpoint } from "../../etcd/endpoint.ts";
import { etcdFields } from "../../etcd/kinds.ts";
import { resources } from "../../kubernetes/resources.ts";
import { kindNames } from "../record-key.ts";
import { changeDocument, readDocument, writeDocument } from "./document.ts";
import type { Field } from "./field.ts";

const formats: Readonly<Record<string, (kind: (typeof kindNames)[number]) => readonly Field[]>> = {
  etcd: (kind) => etcdFields[kind],
  kubernetes: (kind) => resources[kind].fields,
};

/** Objects with the right names and anything in them, and a few wrong names. */
const foreign = (fields: readonly Field[]): fc.Arbitrary<Readonly<Record<string, unknown>>> =>
  fc
    .dictionary(
      fc.oneof(fc.constantFrom(...fields.map(({ member }) => member)), fc.string()),
      fc.oneof(fc.jsonValue(), fc.constantFrom(null, "2026-08-06T15:14:24.123456789Z", "0001-01-01T00:00:00Z", "AQI=")),
      { noNullPrototype: true },
    )
    // Once through JSON, which writes -0 as 0.
    .map((object) => JSON.parse(JSON.stringify(object)));

for (const [name, fieldsOf] of Object.entries(formats)) {
  describe(`foreign objects in ${name}`, () => {
    for (const kind of kindNames) {
      const fields = fieldsOf(kind);

      test(`${kind}: read as some record that is written and read back as it was`, () => {
        fc.assert(
          fc.property(foreign(fields), (object) => {
            const record = readDocument<object>(fields, object);
            const written: unknown = JSON.parse(goJson(writeDocument(fields, record)));
            assert.deepEqual(plain(readDocument(fields, written as typeof object)), plain(record));
          }),
          { numRuns: 50 },
        );
      });

      test(`${kind}: stay as they are when nothing changes`, () => {
        fc.assert(
          fc.property(foreign(fields), (object) => {
            const record = readDocument<object>(fields, object);
            assert.deepEqual(changeDocument(fields, object, record, { ...record }), object);
          }),
          { numRuns: 50 },
        );
      });
    }
  });
}

test("an etcd address is read or refused, whatever it is", () => {
  const read: Readonly<Record<string, string>> = {
    "http://127.0.0.1:2379": "ipv4:127.0.0.1:2379 127.0.0.1 false",
    "https://etcd-0.etcd:2379/": "dns:etcd-0.etcd:2379 etcd-0.etcd true",
    "https://[::1]:4001": "ipv6:[::1]:4001 ::1 true",
    "etcd:2379": "dns:etcd:2379 etcd true",
    "http://etcd": "dns:etcd:2379 etcd false",
    "http://etcd:80": "dns:etcd:80 etcd false",
    "unix:///run/etcd.sock": "unix:/run/etcd.sock localhost false",
  };
  for (const [text, expected] of Object.entries(read)) {
    const { target, host, isSecure } = parseEndpoint(text, true);
    assert.equal(`${target} ${host} ${isSecure}`, expected, text);
  }
  assert.equal(parseEndpoint("etcd:2379", false).isSecure, false);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl()), (text) => {
      try {
        assert.ok(parseEndpoint(text, false).target.length > 0);
      } catch (error) {
        assert.match(String(error), /is no etcd address$/);
      }
    }),
  );
});
