# What there is to do in this source tree. Each target installs what it needs first, and does nothing twice.

.PHONY: help build demo test test-node test-attacks compat fuzz soak bench check format install clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

build: ## install what is missing, and build dist/
	@scripts/setup

demo: ## run a container that shows what foster does
	@scripts/setup
	@scripts/demo

test: ## run all tests; ends with "N passed, N failed"
	@scripts/test

test-node: ## run the programs of examples/ on the versions of Node that npm has: 22, 24, 26
	@scripts/test-node

test-attacks: ## attack foster, and podman for comparison; writes docs/attacks.md
	@scripts/attacks

compat: ## run the command lines of test/compat in foster and in Podman, and compare
	@scripts/compat

fuzz: ## feed random input to all that reads what others have written, FUZZ_SECONDS each (600)
	@scripts/fuzz

soak: ## make, start, stop and remove 2,000 containers; fails if anything has grown
	@scripts/setup
	@scripts/soak.mjs

bench: ## compare with other runtimes; writes docs/benchmarks.md
	@scripts/setup --bench
	@scripts/bench

check: ## format, lint, types, imports, shell scripts; the analyzers of C compilers; the fuzzers in C, for a moment
	@scripts/setup --check
	@scripts/check

format: ## put the sources into the format
	@scripts/setup
	@npm run --silent format

install: ## make the command `foster` available, in ~/.local where npm's folder is not yours
	@scripts/install

clean: ## remove all that was built
	@rm -rf dist build
