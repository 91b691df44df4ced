import assert from "node:assert/strict";
import { test } from "node:test";
import { BadAnswerError } from "../../kernel/errors.ts";
import { boundedConcurrency } from "./bounded-concurrency.ts";
import { filterGroups } from "./filter-groups.ts";
import { nextLink, paginate } from "./paginate.ts";
import { singleFlight } from "./single-flight.ts";

const first = new URL("https://api.test/groups?page=1");

test("reads page after page, with relative addresses too", async () => {
  const pages: Record<string, { items: number[]; next: string | undefined }> = {
    "?page=1": { items: [1, 2], next: "https://api.test/groups?page=2" },
    "?page=2": { items: [3], next: "/groups?page=3" },
    "?page=3": { items: [], next: undefined },
  };
  assert.deepEqual(await paginate(first, async ({ search }) => pages[search] ?? assert.fail(search)), [1, 2, 3]);
});

test("is led to no other host, in no circle and not on and on", async () => {
  const to = (next: (page: URL) => string) => paginate(first, async (page) => ({ items: [], next: next(page) }));
  for (const next of ["https://evil.test/", "http://api.test/groups", "https://api.test:444/", "https://"])
    await assert.rejects(
      to(() => next),
      BadAnswerError,
      next,
    );
  await assert.rejects(
    to(() => "/groups?page=1"),
    /earlier/,
  );
  await assert.rejects(
    to((page) => `?page=${Number(page.searchParams.get("page")) + 1}`),
    /more than 200 pages/,
  );
});

test("finds the next page in a Link header", () => {
  const next = (link: string) => nextLink(new Response("", { headers: { link } }));
  assert.equal(next('<https://x/1>; rel="prev", <https://x/3>; rel="next"'), "https://x/3");
  assert.equal(next('<https://x/3>; title="a, b"; rel="last next"'), "https://x/3");
  assert.equal(next("<https://x/3>;rel=next"), "https://x/3");
  assert.equal(next('<https://x/3>; rel="last"'), undefined);
  assert.equal(next('<https://x/3>; rel="nextish"'), undefined);
  assert.equal(nextLink(new Response("")), undefined);
});

test("runs so many at once and no more, and a failure stops no other", async () => {
  const limit = boundedConcurrency(3);
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      limit(async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        if (index % 5 === 0) throw new Error("x");
        return index;
      }),
    ),
  );
  assert.equal(most, 3);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 16);
});

test("one flight for all who ask at once, a new one afterwards", async () => {
  const fly = singleFlight<number>();
  let flights = 0;
  const work = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return ++flights;
  };
  assert.deepEqual(await Promise.all([fly("a", work), fly("a", work), fly("b", work)]), [1, 1, 2]);
  assert.equal(await fly("a", work), 3);
  await assert.rejects(fly("c", () => Promise.reject(new Error("x"))));
  assert.equal(await fly("c", work), 4);
});

test("filters groups byte for byte, in the given order, as often as given", () => {
  assert.deepEqual(filterGroups(["b", "A", "a", "b"], ["a", "b", "c"]), ["b", "a", "b"]);
  assert.deepEqual(filterGroups(["b"], []), []);
});
