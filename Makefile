# Everything here sets itself up on a bare Debian with Go, and ends by itself.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME    ?= 3s

.PHONY: help build test test-dino test-obs check unit fuzz e2e demo bench lint cover clean

help: ## show this
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

build: ## build the static binary ./gateway
	@CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$(VERSION)" -o gateway .

test: ## run all tests, with real peers: they are installed if missing (root)
	@start=$$SECONDS; \
	trap 'echo "make test: FAILED after $$((SECONDS - start)) s"' EXIT; \
	for step in peers check unit e2e; do echo "== $$step"; $(MAKE) $$step; done; \
	trap - EXIT; \
	echo "make test: everything passed in $$((SECONDS - start)) s"

test-dino: ## run the calls with the desktop client Dino, under Xvfb (root)
	@scripts/install-peers dino
	@go test -tags e2e,dino -count 1 -timeout 8m -run '^TestDino' ./internal/e2e

test-obs: ## run the calls that OBS Studio publishes into, under Xvfb (root)
	@scripts/install-peers obs
	@go test -tags e2e,obs -count 1 -timeout 8m -run '^TestOBS' ./internal/e2e

.PHONY: peers
peers:
	@scripts/install-peers test

check:
	@unformatted=$$(gofmt -l .); \
	if [[ -n $$unformatted ]]; then echo "gofmt wants to change:"; echo "$$unformatted"; exit 1; fi
	@# Only a synctest bubble's clock makes a Sleep in a test harmless.
	@asleep=$$(grep -rl --include='*_test.go' 'time\.Sleep(' . | xargs -r grep -L '"testing/synctest"' || true); \
	if [[ -n $$asleep ]]; then echo "time.Sleep in tests:"; echo "$$asleep"; exit 1; fi
	@go vet ./...
	@go vet -tags e2e ./internal/...
	@go vet -tags e2e,dino ./internal/e2e
	@go vet -tags e2e,obs ./internal/e2e
	@go vet -tags faults ./internal/app

# What is pure computing has no goroutines to race; several packages at once, since
# many of them wait more than they work.
PURE := ^gateway/(codec|bridge/media/convert)(/|$$)

unit: ## run the unit tests, which need no peers
	@CGO_ENABLED=1 go test -race -p 4 -timeout 3m $$(go list ./... | grep -vE '$(PURE)')
	@go test -timeout 3m $$(go list ./... | grep -E '$(PURE)')

# A search with fresh inputs may find something in a change that has nothing to
# do with it, so it is no part of make test; what it has found (testdata/fuzz) and
# the seeds are run with the unit tests.
fuzz: ## look for inputs that break a parser, each target for FUZZTIME (3s)
	@scripts/fuzz $(FUZZTIME)

e2e: ## run the end-to-end tests; the peers must be there
	@go test -tags e2e -count 1 -parallel 6 -timeout 20m ./internal/peer ./internal/store ./internal/e2e
	@go test -tags faults -count 1 -timeout 3m ./internal/app

demo: ## show the gateway between two phones, an XMPP user and a browser (root, if peers are missing)
	@scripts/install-peers demo & peers=$$!; \
	trap 'wait $$peers || true' EXIT; \
	echo "building"; CGO_ENABLED=0 go build -trimpath -o /dev/null . ./internal/demo; \
	trap - EXIT; wait $$peers; \
	CGO_ENABLED=0 go run -trimpath ./internal/demo

bench: ## measure what texts, calls, OSC and sound cost, beside Kamailio, Prosody, rtpengine and ffmpeg, in some 10 minutes (root)
	@scripts/install-peers bench
	@CGO_ENABLED=0 go run ./internal/bench

lint: ## run staticcheck and golangci-lint; the first run builds them, which takes minutes
	@go run $(STATICCHECK) -tags e2e ./...
	@go run $(GOLANGCI) run

cover: ## show how much of each package the unit tests reach
	@go test -cover ./...

clean: ## remove what make build made
	@rm -f gateway
