# Everything a contributor types. Each target brings what it needs first and is quick when nothing is to do.
# `make help` prints the lines marked with ##.

NODE := bin/node
READY := node_modules/.package-lock.json
BUILT := node_modules/.addons-built

.DEFAULT_GOAL := help
.PHONY: help setup run test check watch spec bench docs bundle executable image release site

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# npm writes this file when it is done, so its age is the age of node_modules.
$(READY): package-lock.json
	@sh scripts/setup.sh

# A first `make run` does not wait for the compiler.
$(BUILT): $(READY)
	@sh scripts/build-addons.sh

setup: $(BUILT) ## install what is missing, point git at .githooks
	@git config core.hooksPath .githooks 2>/dev/null || true
	@echo "ready: $$($(NODE) --version), node_modules is up to date"

run: $(READY) ## the server with examples/dev.yaml and an example application, reloading
	@exec $(NODE) scripts/dev.ts

test: $(BUILT) ## everything: types, walls, lint, all tests
	@$(NODE) scripts/test.ts

check: $(BUILT) ## all that CI does: make test, and the generated docs are fresh
	@$(NODE) scripts/test.ts --docs

watch: $(READY) ## tests of what changed, again and again
	@$(NODE) --test --watch 'src/**/*.test.ts' 'test/{spec,walls,house}/**/*.test.ts' 'examples/**/*.test.ts'

spec: $(READY) ## test/spec only: the server over HTTP, by section of its specifications
	@$(NODE) scripts/test.ts 'test/spec/**/*.test.ts'

bench: bundle ## logins/s, p99 and memory; saved to bench/results
	@$(NODE) bench/main.ts

docs: $(READY) ## regenerate docs/reference
	@$(NODE) scripts/docs.ts

bundle: $(BUILT) ## dist/: the server in one folder that needs Node and nothing else
	@$(NODE) scripts/package/bundle.ts

executable: $(BUILT) ## dist/dex: the server and Node in one file
	@$(NODE) scripts/package/executable.ts

image: ## the container image dex:local, with docker or what DOCKER names
	@$${DOCKER:-docker} build --build-arg VERSION="$$VERSION" -t dex:local .

release: $(BUILT) ## dist/: archives to publish, checksums, bill of materials
	@$(NODE) scripts/package/release.ts

site: $(READY) ## site/: docs/ as a website with search, to open from the disk
	@$(NODE) scripts/site/build.ts
