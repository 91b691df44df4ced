/**
 * The address of an asset, relative to the page that shows it, so that it also holds behind a proxy that
 * moves the whole issuer to another path. Dex's `url` function.
 */

function segmentsOf(path: string): readonly string[] {
  return path.split("/").filter((segment) => segment !== "" && segment !== ".");
}

/**
 * `asset` (below `serverPath`, the issuer's path) as seen from `requestPath`; a URL with a scheme is returned
 * unchanged. Nothing of the request's text is ever part of the result, only its depth.
 *
 * compat(dex): server/templates.go. Fixed: at the root of an issuer with a path of several segments
 * (`/dex/idp`), Dex repeats them all (`dex/idp/…`), which a browser reads as `/dex/dex/idp/…`.
 */
export function assetUrl(serverPath: string, requestPath: string, asset: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(asset)) return asset;
  const target = [...segmentsOf(serverPath), ...segmentsOf(asset)];
  // A browser resolves against the folder: everything up to the last slash, empty segments included.
  const folder = requestPath.split("/").slice(1, -1);
  let shared = 0;
  while (shared < folder.length && shared < target.length - 1 && folder[shared] === target[shared]) shared++;
  return "../".repeat(folder.length - shared) + target.slice(shared).join("/");
}
