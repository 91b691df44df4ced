#!/bin/sh
# Compiles the optional Kerberos addon, for LDAP connectors whose people sign in with tickets. Where it cannot be compiled
# everything else works, as after an `npm ci` that could not. From source, because the binary that its own script would
# fetch is in no lock file.
set -eu
cd "$(dirname -- "$0")/.."

PATH=$(dirname -- "$(bin/node -p process.execPath)"):$PATH
export PATH
mkdir -p .run
if [ -d node_modules/kerberos ] && [ ! -e node_modules/kerberos/build/Release/kerberos.node ]; then
  printf 'setup: compiling the optional Kerberos addon\n'
  if ! npm_config_build_from_source=kerberos npm rebuild --no-audit --no-fund --loglevel=error kerberos >.run/kerberos.log 2>&1; then
    printf 'setup: it cannot be compiled (.run/kerberos.log says why; it takes g++, make, python3 and libkrb5-dev): logins with tickets are off\n'
    rm -rf node_modules/kerberos
  fi
fi
touch node_modules/.addons-built
