import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const git = (root: string, ...args: string[]): string | undefined => {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
};

/**
 * What a build calls itself: `VERSION` where the caller sets it; the tag `vX.Y.Z` of this commit; else the version of
 * package.json with the commit behind it, and `-dirty` where files differ from it. A tarball without git has only that.
 */
export function buildVersion(root: string, chosen = process.env.VERSION): string {
  if (chosen !== undefined && chosen !== "") return chosen.replace(/^v/, "");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
  const dirty = git(root, "status", "--porcelain", "--untracked-files=no") ? "-dirty" : "";
  const tag = git(root, "describe", "--tags", "--exact-match", "--match", "v*");
  if (tag !== undefined) return `${tag.replace(/^v/, "")}${dirty}`;
  const commit = git(root, "rev-parse", "--short=8", "HEAD");
  return commit === undefined ? version : `${version}-dev.${commit}${dirty}`;
}
