# Millwright. `make help` lists what can be made; `make run` and `make test` are all a newcomer needs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/millwright
export CARGO_TARGET_DIR ?= $(CACHE)/target
export MILLWRIGHT_WEIGHTS_DIR ?= $(CACHE)/weights
export PATH := $(CACHE)/tools/bin:$(PATH)
DEMO_DIR ?= $(CACHE)/demo
LISTEN ?= 127.0.0.1:8443

.PHONY: help
help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what building needs (system packages, weights, web assets)
	@packaging/setup.sh build

.PHONY: weights
weights: ## Obtain the pinned embedder weights
	@python3 models/fetch.py

.PHONY: web
web: ## Install the pinned web packages and build the browser face
	@packaging/web.sh

.PHONY: build
build: setup weights web ## Build the development executable
	@echo "build: compiling (the first time takes a while)"
	@cargo build --locked --workspace --bin millwright

.PHONY: run
run: build ## Start the appliance with the demo plant on https://$(LISTEN)
	@exec "$(CARGO_TARGET_DIR)/debug/millwright" serve --demo --data-dir "$(DEMO_DIR)" --listen "$(LISTEN)"

.PHONY: test
test: setup weights web ## Run every check and every test
	@packaging/setup.sh test
	@packaging/check.sh

# How long `make torture` goes on: kills, states of a disk after a power cut; every operation of every
# flow fails, every byte of every file is flipped.
KILLS ?= 10000
STATES ?= 200000

.PHONY: torture
torture: setup weights web ## Run the fault tests long: KILLS=10000 STATES=200000 (a day on two cores)
	@KILLS="$(KILLS)" STATES="$(STATES)" STRIDE=1 EVERY_BYTE=1 cargo nextest run --locked --workspace \
	  --ignore-default-filter --no-capture --no-fail-fast -E 'binary(faults) | test(no_kill_loses_or_halves_anything)'

.PHONY: test-gpu
test-gpu: setup weights web ## Test the worker for graphics processors on one that Mesa acts in software
	@packaging/setup.sh release
	@packaging/setup.sh gpu
	@CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES="$(CURDIR)/packaging/vulkan" \
	  cargo nextest run --locked --workspace --features millwright-engine/vulkan \
	  --test generation --test worker -E 'package(millwright-engine)'

.PHONY: soak
soak: build ## Load the appliance for MINUTES (30) and watch its memory and descriptors
	@SOAK_MINUTES=$(or $(MINUTES),30) packaging/soak.sh

.PHONY: abuse
abuse: setup weights web ## Read MUTANTS (50000) damaged documents of SEED (2) in caged workers
	@ABUSE_MUTANTS=$(or $(MUTANTS),50000) ABUSE_SEED=$(or $(SEED),2) \
	  cargo nextest run --locked --workspace --test abuse --success-output immediate

.PHONY: screenshots
screenshots: build ## Write pictures of every page into web/screenshots/
	@cargo build --locked --workspace --example tiny_model
	@TEST_EXECUTABLE="$(CARGO_TARGET_DIR)/debug/millwright" \
	  TEST_MODEL_MAKER="$(CARGO_TARGET_DIR)/debug/examples/tiny_model" npm --prefix web run --silent screenshots

.PHONY: bench
bench: build bench-retrieval bench-audit bench-generation ## Run the benches (ten minutes and 4 GB in the temporary directory)
	@cargo bench --locked --profile dev --workspace --bench embedding_speed --bench appliance --bench scale

.PHONY: bench-audit
bench-audit: setup ## Measure the audit log: appending and verifying; fails below its figures
	@cargo bench --locked --profile dev --workspace --bench commit --bench verify

.PHONY: bench-generation
bench-generation: setup weights ## Measure generated text against a bare loop; fails below its figures
	@cargo bench --locked --profile dev --workspace --bench generation_speed

.PHONY: bench-onnx
bench-onnx: setup weights ## Compare the embedder with ONNX Runtime int8 on the same weights (needs PyPI once)
	@benches/onnx/run.sh

.PHONY: bench-retrieval
bench-retrieval: setup weights ## Measure retrieval on the labelled sets; fails below its figures
	@cargo bench --locked --profile dev --workspace --bench retrieval

.PHONY: release
release: setup weights web ## Build the static release file in dist/
	@packaging/setup.sh release
	@packaging/release.sh

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt --all

.PHONY: clean-demo
clean-demo: ## Remove the demo's data directory
	@rm -rf -- "$(DEMO_DIR)"
