import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const root = new URL("./assets/", import.meta.url);
const text = (path: string): Promise<string> => readFile(new URL(path, root), "utf8");

const icons =
  "atlassian-crowd bitbucket email gitea github gitlab google keystone ldap linkedin microsoft mock oidc saml".split(
    " ",
  );

test("every icon Dex serves exists, is drawn and cannot run script", async () => {
  const present = await readdir(new URL("static/img/", root));
  for (const icon of icons) assert.ok(present.includes(`${icon}-icon.svg`), icon);
  for (const file of present) {
    const svg = await text(`static/img/${file}`);
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 24 24">/);
    assert.doesNotMatch(svg, /<script|\son[a-z]+=|href|style=/);
  }
});

test("every file the sheet names exists, and it loads nothing from elsewhere", async () => {
  const css = await text("static/main.css");
  const named = [...css.matchAll(/url\("([^"]*)"\)/g)].map(([, path]) => path ?? "");
  assert.equal(named.length, 16);
  for (const path of named) await readFile(new URL(`static/${path}`, root));
  assert.doesNotMatch(css, /https?:|@import/);
});

const themes = ["light", "dark"];
for (const theme of themes) {
  test(`the theme ${theme} has its sheet and two PNG pictures`, async () => {
    await text(`themes/${theme}/styles.css`);
    for (const picture of ["logo.png", "favicon.png"]) {
      const bytes = await readFile(new URL(`themes/${theme}/${picture}`, root));
      assert.equal(bytes.subarray(1, 4).toString("latin1"), "PNG");
    }
  });
}

test("robots are kept out", async () => {
  assert.equal(await text("robots.txt"), "User-agent: *\nDisallow: /\n");
});

type Colors = ReadonlyMap<string, string>;
const colorsOf = (css: string): Colors =>
  new Map([...css.matchAll(/--dex-([a-z-]+):\s*(#[0-9a-f]{6});/g)].map(([, name = "", color = ""]) => [name, color]));

/** WCAG 2.2, relative luminance. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(colors: Colors, a: string, b: string): number {
  const [one, two] = [a, b].map((name) => {
    const color = colors.get(name);
    assert.ok(color !== undefined, `no color ${name}`);
    return luminance(color) + 0.05;
  });
  assert.ok(one !== undefined && two !== undefined);
  return Math.max(one, two) / Math.min(one, two);
}

/** Text needs 4.5 (WCAG 1.4.3), the outline of a control or a focus ring 3 (1.4.11). */
const pairs: readonly (readonly [string, string, number])[] = [
  ...["surface", "surface-raised", "field", "bg"].flatMap(
    (ground) =>
      [
        ["fg", ground, 4.5],
        ["fg-muted", ground, 4.5],
      ] as const,
  ),
  ["accent", "surface", 4.5],
  ["accent-strong", "surface", 4.5],
  ["on-button", "button", 4.5],
  ["on-button", "button-hover", 4.5],
  ["button", "surface", 3],
  ["danger", "danger-bg", 4.5],
  ["danger", "surface", 4.5],
  ["done", "done-bg", 4.5],
  ["done", "surface", 4.5],
  ["field-border", "surface", 3],
  ["field-border", "field", 3],
];

test("light and dark have enough contrast, and dark is the same in both themes", async () => {
  const light = colorsOf(await text("static/main.css"));
  const dark = colorsOf(await text("themes/dark/styles.css"));
  assert.deepEqual([...dark.keys()].sort(), [...light.keys()].sort());
  assert.deepEqual(colorsOf(await text("themes/light/styles.css")), dark);
  for (const colors of [light, dark]) {
    for (const [a, b, least] of pairs) {
      const found = contrast(colors, a, b);
      assert.ok(found >= least, `${a} ${colors.get(a)} on ${b} ${colors.get(b)}: ${found.toFixed(2)}`);
    }
  }
});
