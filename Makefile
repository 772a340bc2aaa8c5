# Common tasks. Each target first installs what it needs, unless it is installed already.

.PHONY: help build demo test test-node test-vm test-attacks compat fuzz soak bench bench-profile check format install clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

build: ## install what is missing, and build dist/
	@scripts/setup

demo: ## run a container that demonstrates foster
	@scripts/setup
	@scripts/demo

test: ## run all tests; ends with "N passed, N failed"
	@scripts/test

test-node: ## run the programs of examples/ on other versions of Node: 22, 24, 26
	@scripts/test-node

test-vm: ## run what needs a machine of its own in a VM: limits, reboots; writes docs/vm.md
	@scripts/test-vm

test-attacks: ## run attacks against foster, and podman for comparison; writes docs/attacks.md
	@scripts/attacks

compat: ## run the command lines of test/compat in foster and in Podman, and compare
	@scripts/compat

fuzz: ## feed random input to all code that reads untrusted input, FUZZ_SECONDS each (600)
	@scripts/fuzz

soak: ## create, start, stop and remove 2,000 containers; fails if anything has grown
	@scripts/setup
	@scripts/soak.mjs

bench: ## compare with other runtimes; writes docs/benchmarks.md
	@scripts/setup --bench
	@scripts/bench

bench-profile: ## show where the time of a start goes, by root; writes docs/performance.md
	@scripts/setup --bench
	@scripts/bench profile

check: ## format, lint, types, imports, shell scripts; C analyzers; short runs of the C fuzzers
	@scripts/setup --check
	@scripts/check

format: ## format the sources
	@scripts/setup
	@npm run --silent format

install: ## install the command `foster` (in ~/.local if npm's folder is not writable)
	@scripts/install

clean: ## remove all build results
	@rm -rf dist build
