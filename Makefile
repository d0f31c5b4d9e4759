# plimsoll: everything is built, shown and tested from here. `make help` lists the targets.

SHELL := /bin/sh
BIN := node_modules/.bin
SOURCES := $(shell find src -name '*.ts' -not -path 'src/gen/*')
TESTS := $(shell find test -name '*.ts')
PROTOS := $(sort $(wildcard proto/plimsoll/v1/*.proto proto/grpc/*/*/*.proto))

.PHONY: help demo test test-matrix check bench build proto descriptor tables lint format host clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

demo: dist/.built ## learn a container live, write its profile, run it under it
	@sh test/demo/demo.sh

test: host check ## install what tests need, build, lint, type-check, run all tests
	@$(BIN)/tap

test-matrix: host build/.built ## longer tests: verify with services, docker, and while it is disturbed
	@$(BIN)/tap --timeout=1800 --serial=build/test/matrix build/test/matrix/*.js
	@JOURNAL_KILLS=200 $(BIN)/tap --timeout=900 build/test/service/journal-killed.test.js
	@FLOOR_STARTS=30 $(BIN)/tap --timeout=900 build/test/live/alone/floor-holds.test.js
	@LATENCY_SLACK=1 $(BIN)/tap --timeout=900 build/test/live/alone/enforce-latency.test.js
	@FLOOD_PROGRAMS=200000 $(BIN)/tap --timeout=1800 build/test/live/alone/enforce-flood.test.js

check: build/.built ## lint, types, formatting
	@$(BIN)/oxlint --type-aware --deny-warnings
	@$(BIN)/prettier --check --log-level warn .

bench: host build/.built ## what it costs to be observed, and to be judged
	@node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256 \
	  build/test/bench/matcher.js
	@sh test/bench/observe.sh

build: dist/.built ## compile to dist/

proto: src/gen/plimsoll.js ## TypeScript of the .proto files

descriptor: dist/.built ## descriptor of the .proto files, after a check that it breaks no client (needs protoc)
	@protoc --proto_path=proto --include_imports --descriptor_set_out=dist/descriptor.binpb $(PROTOS:proto/%=%)
	@node dist/service/generate/accept-descriptor.js dist/descriptor.binpb proto/descriptor.binpb

tables: dist/.built ## system call tables from the kernel headers of Debian
	@sh src/kernel/generate/fetch-headers.sh dist/headers
	@node dist/kernel/generate/syscall-tables.js dist/headers src/kernel/tables
	@$(BIN)/prettier --check --log-level warn src/kernel

lint: check

format: node_modules/.installed ## format all files
	@$(BIN)/prettier --write --log-level warn .

host: ## install what live tests need (apt, as root)
	@sh test/setup.sh tests

clean: ## remove what was built
	rm -rf dist build src/gen .tap

node_modules/.installed: package.json package-lock.json
	@npm ci --no-audit --no-fund
	@touch $@

src/gen/plimsoll.js: $(PROTOS) node_modules/.installed
	@mkdir -p src/gen
	@$(BIN)/pbjs --path proto --target static-module --wrap esm --es6 --dts --no-service --no-typeurl --no-verify --out $@ $(PROTOS)

dist/.built: $(SOURCES) src/tsconfig.json tsconfig.json src/gen/plimsoll.js
	@rm -rf dist
	@$(BIN)/tsc -p src
	@mkdir -p dist/gen && cp src/gen/plimsoll.js src/gen/plimsoll.d.ts dist/gen/
	@chmod +x dist/cli/main.js
	@touch $@

# Tests run compiled, against dist/: loading TypeScript took most of their time.
build/.built: dist/.built $(TESTS) test/tsconfig.json
	@rm -rf build/src build/test
	@$(BIN)/tsc -p test
	@rm -rf build/src && ln -s ../dist build/src
	@touch $@
