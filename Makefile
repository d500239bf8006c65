# saz: make C middleboxes framework-ready.
#
#   make demo    the main job on real input: move flows between two running monitors
#   make test    all tests
#   make cuts    100 random cuts of the demo's move
#   make torture GCC's execution tests with every write marked and watched (long)
#   make oracle  the frontend against the compiler, on TARGET=... or the packages in HEADERS=...
#   make dependence  what 500 random programs depended on when run, against their graphs (half an hour)
#   make cost    instructions of the instrumented examples over the plain ones, or of TARGET="PROGRAM ARGUMENTS" that saz-cc built
#   make bench   measurements, of the demo's monitor or the programs in TARGET=...
#   make build   bin/saz, bin/saz-cc
#
# demo and test install what they miss (Debian, Ubuntu).

GO      ?= go
VERSION := 0.1.0
BIN     := $(CURDIR)/bin
OUT     := $(CURDIR)/out
CUTS    ?= 100
SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
LDFLAGS := -X main.version=$(VERSION)

.PHONY: all build deps demo demo-build test check cuts torture dependence oracle cost bench clean

all: build

# ---- what must be installed ------------------------------------------------

PACKAGES := $(shell \
	command -v gcc >/dev/null || echo gcc libc6-dev; \
	command -v patch >/dev/null || echo patch; \
	gcc -E -include pcap.h -x c /dev/null >/dev/null 2>&1 || echo libpcap-dev)

deps:
	@command -v $(GO) >/dev/null || { echo "make: Go is needed: https://go.dev/dl/"; exit 1; }
	@if [ -n "$(strip $(PACKAGES))" ]; then \
		echo "installing: $(PACKAGES)"; \
		$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES) >/dev/null; \
	fi

# ---- the tools --------------------------------------------------------------

build: deps
	@mkdir -p $(BIN)
	$(GO) build -trimpath -ldflags "$(LDFLAGS)" -o $(BIN)/ ./cmd/saz ./cmd/saz-cc

# ---- the demo ---------------------------------------------------------------

demo-build: build
	@$(GO) build -trimpath -o $(BIN)/traffic ./examples/traffic
	@$(GO) build -trimpath -o $(BIN)/demo ./examples/demo
	@rm -rf $(OUT)/monitor $(OUT)/plain && mkdir -p $(OUT)
	@cp -r examples/monitor $(OUT)/plain && $(MAKE) -s -C $(OUT)/plain clean && $(MAKE) -s -C $(OUT)/plain
	@cp -r examples/monitor $(OUT)/monitor && $(MAKE) -s -C $(OUT)/monitor clean && $(MAKE) -s -C $(OUT)/monitor CC="$(BIN)/saz-cc gcc"
	@cd $(OUT)/monitor && $(BIN)/saz analyze -q --format json -o $(OUT)/report.json ./monitor
	@cd $(OUT)/monitor && $(BIN)/saz instrument -q -o $(OUT)/instrumented ./monitor
	@$(MAKE) -s -C $(OUT)/instrumented

DEMO = $(BIN)/demo -saz $(BIN)/saz -traffic $(BIN)/traffic -plain $(OUT)/plain/monitor -inst $(OUT)/instrumented/monitor \
	-sigs $(CURDIR)/examples/monitor/services.sig -report $(OUT)/report.json -manifest $(OUT)/instrumented/saz.json

demo: demo-build
	@$(DEMO)

cuts: demo-build
	@$(DEMO) -cuts $(CUTS)

# ---- tests ------------------------------------------------------------------

check:
	$(GO) vet ./...
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	@! $(GO) list -f '{{.ImportPath}}{{range .Imports}} {{.}}{{end}}' ./... | grep -E \
		-e '^saz/frontend[^ ]* .*saz/(ir|passes|rewrite|cmd)' -e '^saz/ir[^ ]* .*saz/(passes|rewrite|cmd)' \
		-e '^saz/passes[^ ]* .*saz/(rewrite|cmd)' || { echo "imports must point down"; exit 1; }

test: deps check
	@$(MAKE) -s cuts CUTS=10
	$(GO) test -timeout 25m ./...

# GCC's execution tests, and CSMITH programs of Csmith's, instrumented and watched, and
# rebuilt from their IR.
TORTURE := $(OUT)/torture/gcc.c-torture/execute
CSMITH  ?= 0
torture: build
	@ls /usr/src/gcc-12/*.tar.xz >/dev/null 2>&1 || $(SUDO) apt-get install -y -qq gcc-12-source >/dev/null
	@mkdir -p $(OUT)/torture && tar xf /usr/src/gcc-12/gcc-12*.tar.xz -C $(OUT)/torture --strip-components=3 --wildcards '*/gcc/testsuite/gcc.c-torture/execute/*.c'
	SAZ_TORTURE=$(TORTURE) SAZ_CSMITH=$(CSMITH) $(GO) test -tags torture -run 'Torture|Csmith' -v -timeout 12h ./rewrite ./ir/cprint

# Tokens, types and structure of any program that saz can read (frontend/oracle), or of
# the headers of Debian packages.
oracle:
	@test -n "$(TARGET)$(HEADERS)" || { echo 'usage: make oracle TARGET=PROGRAM | HEADERS="PACKAGE..."'; exit 2; }
	@if [ -n "$(TARGET)" ]; then $(GO) run ./frontend/oracle $(TARGET); fi
	@if [ -n "$(HEADERS)" ]; then $(GO) run ./frontend/oracle -what tokens,types -headers $(HEADERS); fi

# Random programs and GCC's execution tests: each dependence of a run must be in the graph.
dependence: build
	@command -v csmith >/dev/null || $(SUDO) apt-get install -y -qq csmith libcsmith-dev >/dev/null
	SAZ_CSMITH=500 $(GO) test -run 'TestRuns|TestCsmith' -v -timeout 2h ./passes/slice

# What instrumenting costs at run time, counted by callgrind.
cost: build
	@$(GO) build -trimpath -o $(BIN)/traffic ./examples/traffic
	@$(GO) build -trimpath -o $(BIN)/cost ./examples/cost
	@$(BIN)/cost -saz $(BIN)/saz -traffic $(BIN)/traffic -out $(OUT)/cost $(if $(TARGET),-limit 1.005 -- $(TARGET))

# TARGET="..." takes programs that saz-cc built, instead of the demo's: what reading and
# analysing them costs, how precise the analyses are, and how cost grows with their size.
bench: build demo-build
	@$(GO) build -trimpath -o $(BIN)/bench ./passes/bench
	$(GO) run ./frontend/bench -saz $(BIN)/saz $(or $(TARGET),$(OUT)/monitor/monitor)
	@$(BIN)/bench -out $(OUT) $(or $(TARGET),$(OUT)/monitor/monitor)
	$(if $(TARGET),,$(GO) test -run '^$$' -bench . -benchtime 3x ./...)

clean:
	rm -rf $(BIN) $(OUT)
