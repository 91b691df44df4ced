import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answerUri } from "./answer-uri.ts";

const to = (redirectUri: string, responseMode: "query" | "fragment" = "query", state?: string) => ({
  redirectUri,
  responseMode,
  ...(state === undefined ? {} : { state }),
});

test("the client's own query and fragment survive a code", () => {
  assert.equal(
    answerUri(to("https://c.example/cb?z=1&a=2#frag"), { code: "C" }),
    "https://c.example/cb?z=1&a=2&code=C#frag",
  );
});

test("a parameter of ours in the registered query is replaced", () => {
  assert.equal(
    answerUri(to("https://c.example/cb?code=planted&%63ode=too&k=v"), { code: "C" }),
    "https://c.example/cb?k=v&code=C",
  );
});

test("no state was sent, none comes back; an empty one does", () => {
  assert.equal(answerUri(to("https://c.example/"), { code: "C" }), "https://c.example/?code=C");
  assert.equal(answerUri(to("https://c.example/", "query", ""), { code: "C" }), "https://c.example/?code=C&state=");
});

test("tokens go into the fragment, encoded once", () => {
  const uri = answerUri(to("https://c.example/cb?q=1", "fragment", "a/b=c"), { id_token: "T" });
  assert.equal(uri, "https://c.example/cb?q=1#id_token=T&state=a%2Fb%3Dc");
});

test("any state comes back as it was, and no answer breaks the header", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.constantFrom("query" as const, "fragment" as const),
      (state, mode) => {
        const uri = answerUri(to("https://c.example/cb?é=ü", mode, state), { code: "C" });
        assert.match(uri, /^[\x21-\x7e]+$/);
        const url = new URL(uri);
        const answer = new URLSearchParams(mode === "query" ? url.search : url.hash.slice(1));
        assert.equal(answer.get("state"), state.toWellFormed());
        assert.equal(answer.get("code"), "C");
      },
    ),
  );
});
