# make demo   set up, then compile, prove and verify a LeNet on a digit
# make test   set up, then run the tests (no GPU, nothing outside this folder)
# make help   the rest

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find rust_ext -name target -prune -o \( -name '*.rs' -o -name 'Cargo.*' \) -print)
export CARGO_NET_RETRY ?= 5
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup tools demo test test-all lint rust-test contracts-test contracts-test-long gas-snapshot format docs clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo "make test-all  everything: the whole zoo, mutations and kills in number, the conformance models"
	@echo "make lint      formatters, linters, types, stubs"
	@echo "make format    format Python and Rust"
	@echo "make gas-snapshot  write contracts/snapshots again, with which make test compares the gas"
	@echo "make docs      write the generated pages of docs/ again, from what was measured"
	@echo "make clean     remove what setup and tests made"

# ---- set-up: own virtual environment, the extension in release mode, node packages from the lock file

tools:
	@command -v $(PYTHON) >/dev/null || { echo "zkml: error: Python is missing: install Python 3.11 or later"; exit 5; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "zkml: error: $$($(PYTHON) --version) is too old: make PYTHON=python3.11 (or later)"; exit 5; }
	@command -v cargo >/dev/null || { echo "zkml: error: Rust is missing: install it with rustup, then open a new shell"; exit 5; }
	@command -v node >/dev/null && command -v npm >/dev/null \
	  || { echo "zkml: error: Node.js is missing: install Node.js 20 or later with npm"; exit 5; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' \
	  || { echo "zkml: error: Node.js $$(node --version) is too old: install Node.js 20 or later"; exit 5; }

setup: $(VENV)/.extension contracts/node_modules/.stamp

$(VENV)/.packages: pyproject.toml | tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "zkml: installing Python packages into $(VENV)"
	@$(BIN)/python -m pip install --quiet "maturin>=1.9,<2"
	@$(BIN)/python tools/requirements.py pyproject.toml dev | $(BIN)/python -m pip install --quiet --requirement /dev/stdin
	@touch $@

$(VENV)/.extension: $(VENV)/.packages $(RUST_SOURCES)
	@echo "zkml: building the native extension (release mode)"
	@. $(BIN)/activate && maturin develop --release --quiet >/dev/null
	@touch $@

# Install scripts are off: the binaries lie in the packages, and nothing may download another.
contracts/node_modules/.stamp: contracts/package-lock.json | tools
	@echo "zkml: installing the Solidity compiler, Foundry and OpenZeppelin into contracts/node_modules"
	@cd contracts && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

tests/node/node_modules/.stamp: tests/node/package-lock.json | tools
	@cd tests/node && npm ci --silent --no-audit --no-fund
	@touch $@

# ---- the main job

demo: setup
	@$(BIN)/zkml demo

# ---- checks

test: setup lint rust-test contracts-test
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope -m "not slow"

# Ray is large and only jobs on a cluster need it.
$(VENV)/.cluster: $(VENV)/.packages
	@$(BIN)/python tools/requirements.py pyproject.toml ray | $(BIN)/python -m pip install --quiet --requirement /dev/stdin
	@touch $@

test-all: setup lint rust-test contracts-test contracts-test-long tests/node/node_modules/.stamp $(VENV)/.cluster
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope -m "not slow"
	@$(BIN)/python -m pytest -q -m slow

lint: setup
	@$(BIN)/ruff format --check --quiet . || { echo "zkml: error: run make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@cd rust_ext && cargo fmt --all --check
	@cd rust_ext && cargo clippy --release --all-targets --quiet -- -D warnings
	@cd contracts && ./forge fmt --check >/dev/null || { echo "zkml: error: run make format"; exit 1; }

rust-test: setup
	@cd rust_ext && cargo test --release --workspace --exclude zkml-core --quiet

# forge's --quiet hides failures too: its output is kept, and shown when a test fails. Gas is compared with contracts/snapshots, each
# call a transaction of its own.
FORGE_TEST := mkdir -p contracts/cache && cd contracts && test_log=cache/test.log && forge_test() { \
  ./forge test "$$@" >$$test_log 2>&1 || { grep -v '^\[PASS\]' $$test_log >&2; return 1; }; tail -n 1 $$test_log; }

contracts-test: setup
	@$(FORGE_TEST) && forge_test --no-match-path test/Gas.t.sol
	@$(FORGE_TEST) && FORGE_SNAPSHOT_CHECK=true forge_test --match-path test/Gas.t.sol --isolate \
	  || { echo "zkml: error: gas differs from contracts/snapshots: run make gas-snapshot if it should"; exit 1; }

contracts-test-long: setup
	@$(FORGE_TEST) && FOUNDRY_PROFILE=long forge_test --no-match-path test/Gas.t.sol

gas-snapshot: setup
	@cd contracts && ./forge test --match-path test/Gas.t.sol --isolate --quiet

format: setup
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .
	@cd rust_ext && cargo fmt --all
	@cd contracts && ./forge fmt

docs: setup
	@$(BIN)/python -m models.table
	@$(BIN)/python -m zkml.model.page docs/operators.md
	@$(BIN)/python -m benches.estimate page
	@$(BIN)/python -m benches.contract page

clean:
	rm -rf $(VENV) rust_ext/target tests/node/node_modules contracts/node_modules contracts/out contracts/cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .demo
