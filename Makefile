# What can be done with the tree. `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VERSION := $(shell git describe --tags --match 'v*' --dirty 2>/dev/null || echo devel)
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
DATE := $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X lull/internal/build.Version=$(VERSION) -X lull/internal/build.Commit=$(COMMIT) -X lull/internal/build.Date=$(DATE)
GOBUILD := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'

# What runs on workstations, and what it is made of: tested as Windows programs too. Package manifests is only built for
# Windows, because its tests make repositories with the git program, which Wine has not.
WINDOWS := $$(go list ./agent/... ./schema/... ./reconciler/... ./internal/durable/... ./internal/release/... ./internal/fileversion/... ./examples/demo/...)

# What the tests need beyond Go, as a program to look for and Debian's package of it. No service that a package brings is
# started: nginx shall run only where a benchmark starts it.
TOOLS := git:git gcc:gcc /usr/lib/wine/wine64:wine64 wineserver:wine x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the programs into bin/
	@mkdir -p bin
	$(GOBUILD) -o bin/lull ./cmd/lull
	$(GOBUILD) -o bin/lull-agent ./cmd/lull-agent
	$(GOBUILD) -o bin/lull-demo-client ./examples/demo/client

.PHONY: demo
demo: build ## show a whole fleet on this machine
	bin/lull demo

.PHONY: test
test: tools lint test-linux test-windows ## check and test everything, on Linux and as Windows programs

.PHONY: test-linux
test-linux: ## test everything on this system, with the race detector
	go test -race -timeout 10m ./...

.PHONY: test-windows
test-windows: tools ## build everything for Windows and test under Wine what runs on workstations
	GOOS=windows go build -o /dev/null ./...
	@environment=$$(internal/e2e/wine.sh start); eval "$$environment"; trap 'internal/e2e/wine.sh stop' EXIT; \
	set -x; GOOS=windows go test -timeout 10m -overlay "$$LULL_OVERLAY" -exec "$$LULL_WINE" $(WINDOWS); \
	go test -timeout 10m -run TestWineScripts ./internal/e2e

.PHONY: bench
bench: TOOLS := git:git nginx:nginx-light taskset:util-linux
bench: tools build ## run the benchmarks, beside nginx, and set them beside the targets; about four minutes
	GOOS=windows $(GOBUILD) -o bin/lull-agent.exe ./cmd/lull-agent
	@export LULL_BIN="$$PWD/bin" LULL_BENCH="$$PWD/bin/bench.txt"; \
	go test -run '^$$' -bench . -timeout 10m $$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n1 dirname | sort -u) | tee "$$LULL_BENCH"; \
	cd internal/bench && go test -count 1 -run TestTargets

.PHONY: lint
lint: ## check format, vet and staticcheck, for Linux and for Windows
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:" $$unformatted >&2; exit 1; fi
	go vet ./...
	GOOS=windows go vet ./...
	@mkdir -p bin && go build -o bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	GOOS=windows bin/staticcheck ./...

.PHONY: generate
generate: ## make again what is made from the sources
	go generate ./...

.PHONY: verify
verify: generate ## fail if something that is made from the sources, or go.mod, is out of date
	git diff --exit-code
	go mod verify
	go mod tidy -diff

.PHONY: tools
tools: ## look for what the tests need, and install it on Debian as root
	@missing=; for tool in $(TOOLS); do command -v "$${tool%%:*}" >/dev/null || missing="$$missing $${tool##*:}"; done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "missing:$$missing: install what your system calls these packages of Debian" >&2; exit 1; fi; \
	export DEBIAN_FRONTEND=noninteractive; log=$$(mktemp); policy=/usr/sbin/policy-rc.d; \
	[ -e $$policy ] || { trap "rm -f $$policy" EXIT; printf '#!/bin/sh\nexit 101\n' >$$policy; chmod +x $$policy; }; \
	(apt-get update && apt-get install -y --no-install-recommends $$missing) >"$$log" 2>&1 || { cat "$$log" >&2; exit 1; }; \
	rm -f "$$log"
