# Two commands do everything from a fresh clone on a bare Debian 12 machine:
#   make run     set up, build, fetch the default model, open the chat
#   make test    set up, build, pass every test
# Both are incremental. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PRESET ?= release
BUILD := build/$(PRESET)
FUZZ_SECONDS ?= 60
ENV := . deps/toolchains.sh;

.PHONY: help run test conformance unit build setup setup-tests page dist wheel npm bench asan tsan fuzz tidy clean
help:
	@sed -n 's/^#   //p; s/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: build ## (the default model, a page in the browser; ARGS="--model NAME" passes options on)
	@$(BUILD)/bin/quern $(ARGS)

setup:
	@deps/setup.sh build

setup-tests:
	@deps/setup.sh tests

page: ui/dist/.built

# Not `npm ci`: it refuses a lock file without every other platform's optional packages. Versions and
# hashes are the lock file's all the same.
ui/dist/.built: $(shell git ls-files ui 2>/dev/null) | setup
	@echo "building the page"
	@$(ENV) cd ui && npm install --no-save --silent --no-audit --no-fund && npm run --silent build && touch dist/.built

$(BUILD)/build.ninja: CMakeLists.txt CMakePresets.json cmake/*.cmake | setup page
	@mkdir -p build
	@$(ENV) cmake --preset $(PRESET) -DQUERN_UI_DIST=$(CURDIR)/ui/dist > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }

build: setup page $(BUILD)/build.ninja ## build everything (PRESET=dev|release|asan|tsan)
	@$(ENV) ninja -C $(BUILD)

test: setup-tests build ## every test: unit, guests, end to end, page
	@$(ENV) tests/run $(BUILD)

unit: build ## the tests beside the code, without weights (ROOM=http: those of one room)
	@ctest --test-dir $(BUILD) --output-on-failure -j2 -LE 'model|e2e|slow' $(if $(ROOM),-R '^$(ROOM)\.')

conformance: build ## the official WASI test suite (SUITE=DIR: its checkout with built programs); writes docs/conformance.md
	@python3 tests/conformance/suite.py $${SUITE:?"is a checkout of github.com/WebAssembly/wasi-testsuite, branch prod/testsuite-base"} \
	  --quern $(BUILD)/bin/quern --table docs/conformance.md

# external_symbolizer_path: stacks with names; llvm-symbolizer is not among what is set up.
# new_delete_type_mismatch: nlohmann's ordered_json is 8 bytes smaller in llama.cpp, which g++ builds, than
# in what clang builds: only g++ is asked whether an empty member may have no address. Nobody touches it.
SYMBOLS := external_symbolizer_path=$(shell command -v addr2line)
asan fuzz: export ASAN_OPTIONS := $(SYMBOLS):new_delete_type_mismatch=0
asan tsan fuzz: export UBSAN_OPTIONS := $(SYMBOLS):print_stacktrace=1
tsan: export TSAN_OPTIONS := $(SYMBOLS)
asan tsan: ## the unit tests under a sanitizer
	@deps/setup.sh tests && $(ENV) $(MAKE) page && cmake --preset $@ -DQUERN_UI_DIST=$(CURDIR)/ui/dist && ninja -C build/$@ \
	  && ctest --test-dir build/$@ --output-on-failure -LE 'e2e|slow'

fuzz: setup-tests page ## each parser of foreign bytes under libFuzzer (FUZZ_SECONDS=60 for each)
	@$(ENV) cmake --preset fuzz -DQUERN_UI_DIST=$(CURDIR)/ui/dist && ninja -C build/fuzz fuzzers \
	  && tests/fuzz/run build/fuzz $(FUZZ_SECONDS)

# From how each file would be compiled; nothing is.
tidy: ## clang-tidy over all of our C++ (ROOM=http: that room's)
	@$(ENV) mkdir -p build; cmake --preset tidy > build/tidy.log && run-clang-tidy-19 -quiet -j 2 -p build/tidy \
	  '^$(CURDIR)/$(if $(ROOM),src/$(ROOM),(src|guests))/.*\.cpp$$'

dist: build ## a relocatable tarball, a .deb and their checksums in dist/
	@$(ENV) tools/dist $(BUILD)

wheel: build ## the Python package with its native library, in dist/
	@$(ENV) tools/wheel $(BUILD)

npm: build ## the Node package with its native library, in dist/
	@$(ENV) tools/npm-package $(BUILD)

bench: build ## every figure beside its peer; results in bench/results
	@$(ENV) bench/run $(BUILD)

clean: ## forget what was built here (the machine's cache stays)
	rm -rf build dist ui/dist ui/node_modules
