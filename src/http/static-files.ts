import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { notFound, text } from "./answers.ts";
import type { HttpAnswer } from "./contract.ts";
import { unescapeOnce } from "./route-table.ts";

/** A folder whose files are served below a path: "/theme" from "web/themes/light". */
export interface StaticMount {
  readonly prefix: string;
  readonly dir: string;
}

/** Full path, unescaped, to the file. Whatever a request asks for, only what was read at start can be found. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

interface StaticFile {
  readonly headers: Readonly<Record<string, string>> & { readonly etag: string };
  readonly body: Buffer;
}

/** A mount that points at `/` by mistake must fail at start and not fill the memory. */
const mostBytes = 32 * 1024 * 1024;
const deepest = 8;

/** Names are not fingerprinted, so a new theme shows after five minutes; the ETag makes asking again cheap. */
const caching = "public, max-age=300";

const contentTypes: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webp": "image/webp",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};

/** Nothing here is for a search engine. */
const robots = "User-agent: *\nDisallow: /\n";

/** Reads every file of `mounts`. @throws {Error} A folder cannot be read, or holds more than 32 MiB. */
export async function readStaticFiles(issuerPath: string, mounts: readonly StaticMount[]): Promise<StaticFiles> {
  const base = issuerPath.replace(/\/+$/, "");
  const files = new Map([[`${base}/robots.txt`, staticFile("robots.txt", Buffer.from(robots))]]);
  let total = 0;
  for (const { prefix, dir } of mounts) {
    for await (const { name, path } of walk(dir, "", 0)) {
      const body = await readFile(path);
      total += body.length;
      if (total > mostBytes) throw new Error(`static files: ${dir} holds more than ${mostBytes} bytes`);
      files.set(`${base}${prefix}/${name}`, staticFile(name, body));
    }
  }
  return files;
}

/** Follows links, because Kubernetes mounts every file as one; skips dot files, such as its `..data`. */
async function* walk(dir: string, below: string, depth: number): AsyncGenerator<{ name: string; path: string }> {
  if (depth > deepest) throw new Error(`static files: folders below ${dir} are nested too deeply`);
  for (const entry of await readdir(join(dir, below))) {
    if (entry.startsWith(".")) continue;
    const name = below === "" ? entry : `${below}/${entry}`;
    const path = join(dir, name);
    const found = await stat(path);
    if (found.isDirectory()) yield* walk(dir, name, depth + 1);
    else if (found.isFile()) yield { name, path };
  }
}

const staticFile = (name: string, body: Buffer): StaticFile => ({
  headers: {
    "content-type": contentTypes[extname(name).toLowerCase()] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`,
    "cache-control": caching,
  },
  body,
});

/** The file, 304 if the browser has it, or Dex's 404. No listings, no redirects, no prefix without its slash. */
export function staticAnswer(
  files: StaticFiles,
  method: string,
  path: string,
  ifNoneMatch: string | undefined,
): HttpAnswer {
  const file = files.get(unescapeOnce(path) ?? "");
  if (file === undefined) return notFound;
  if (method !== "GET" && method !== "HEAD") return text(405, "405 method not allowed\n", { allow: "GET, HEAD" });
  const { headers, body } = file;
  if (ifNoneMatch === undefined || !matches(ifNoneMatch, headers.etag)) return { status: 200, headers, body };
  return { status: 304, headers: { etag: headers.etag, "cache-control": caching }, body: "" };
}

/** Weak comparison: a proxy that compresses marks the tag as weak. RFC 9110 §13.1.2. */
const matches = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
