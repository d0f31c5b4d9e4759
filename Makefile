# plimsoll: everything is built, shown and tested from here. `make help` lists the targets.

SHELL := /bin/sh
BIN := node_modules/.bin
SOURCES := $(shell find src -name '*.ts' -not -path 'src/gen/*')
PROTOS := $(sort $(wildcard proto/plimsoll/v1/*.proto proto/grpc/*/*/*.proto))

.PHONY: help demo test test-matrix check bench build proto descriptor tables lint format host clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

demo: dist/.built ## learn a container live, write its profile, run it under it
	@sh test/demo/demo.sh

test: host check dist/.built ## install what tests need, build, lint, type-check, run all tests
	@$(BIN)/tap

test-matrix: host dist/.built ## longer tests: verify with services, docker, and while it is disturbed
	@$(BIN)/tap --timeout=1800 --serial=test/matrix test/matrix/*.ts
	@JOURNAL_KILLS=200 $(BIN)/tap --timeout=900 test/service/journal-killed.test.ts
	@FLOOR_STARTS=30 $(BIN)/tap --timeout=900 test/live/alone/floor-holds.test.ts
	@FLOOD_PROGRAMS=200000 $(BIN)/tap --timeout=1800 test/live/alone/enforce-flood.test.ts

check: dist/.built ## lint, types (of test programs also against what is built), formatting
	@$(BIN)/oxlint --type-aware --deny-warnings
	@$(BIN)/tsc --noEmit -p .
	@$(BIN)/prettier --check --log-level warn .

bench: host dist/.built ## what it costs to be observed, and to be judged
	@node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256 \
	  --import=@tapjs/typescript/import test/bench/matcher.ts
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
	rm -rf dist src/gen .tap

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
