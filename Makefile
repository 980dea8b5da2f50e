# Two commands matter: `make demo` opens the product, `make test` proves it. Each installs what it misses.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?=
PORT ?= 8484
FILM ?=
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV_COMPILE := .build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

# Tests share out over the cores and one process more, see tests/conftest.py; four at most.
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --no-loadscope-reorder

# What a node project has installed is up to date when npm's own record is newer than the lockfile.
node = $(1)/node_modules/.package-lock.json
RUNTIME := .venv/.runtime $(call node,themes/default) $(call node,contracts/anvil)
DEMO := $(RUNTIME) .venv/.demo
DEVELOPMENT := $(RUNTIME) .venv/.development $(call node,contracts) \
	$(call node,tests/node/lint) $(call node,tests/node/tools) $(call node,tests/node/helia) $(call node,tests/node/js-ipfs)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

.PHONY: demo
demo: $(DEMO) ## A chain, a publisher and a holder server with six films. FILM=/path/to/film.mp4 PORT=8484
	@exec $(BIN)/python -m demo $(if $(FILM),--film "$(FILM)") --port $(PORT)

.PHONY: test
test: system $(DEVELOPMENT) ## Everything: style, types, floors, tests. ARGS="-k name" picks tests
	@checks=0; $(MAKE) --no-print-directory --keep-going lint || checks=1; \
	$(BIN)/python scripts/run_tests.py $(PYTEST) $(ARGS) || checks=1; \
	exit $$checks

.PHONY: lint
lint: style types floors frontend ## Style, types and floors; scripts, styles, templates and contracts

.PHONY: style types floors frontend
style: .venv/.development
	$(BIN)/ruff check .
	@# Of tests only what makes one of them not run: a name that is defined twice, or nowhere.
	$(BIN)/ruff check --isolated --select F811,F821 tests plugins
	$(BIN)/ruff format --check .

types: .venv/.development
	$(BIN)/mypy

floors: .venv/.development
	$(BIN)/lint-imports

frontend: .venv/.development $(call node,tests/node/lint) $(call node,themes/default)
	@PATH="$(CURDIR)/$(BIN):$(CURDIR)/tests/node/lint/node_modules/.bin:$$PATH" scripts/lint-frontend

.PHONY: check
check: lint $(RUNTIME) ## The quick half: lint, and the tests that start nothing
	@$(PYTEST) tests/domain tests/plugins tests/test_house.py tests/test_house_figures.py tests/test_house_script.py

.PHONY: house
house: .venv/bin/python ## Measure the structure of the code. ARGS="--list NAME" shows the places behind a figure
	@$(BIN)/python scripts/house.py $(ARGS)

.PHONY: bench
bench: system $(DEVELOPMENT) ## Measure against plain ffmpeg, hashing alone and nginx
	@exec $(BIN)/python -m tests.bench $(ARGS)

.PHONY: contracts
contracts: $(call node,contracts) ## Compile the contracts into contracts/artifacts
	cd contracts && node compile.mjs

.PHONY: plugin-docs
plugin-docs: $(RUNTIME) ## Write plugins/README.md again, from the code
	$(BIN)/python -m wylloh_server.cli.plugin.reference > plugins/README.md.new
	mv plugins/README.md.new plugins/README.md

.PHONY: docs
docs: .venv/.development ## Build the documentation into .build/site
	$(BIN)/mkdocs build --strict --quiet

.PHONY: wheel
wheel: $(RUNTIME) ## Build dist/*.whl
	$(PIP) wheel . --no-deps --no-build-isolation --wheel-dir dist
	@ls dist/*.whl

.PHONY: lock
lock: .build/lock/bin/uv ## Resolve the Python dependencies again, keeping what still fits. ARGS=--upgrade
	$(UV_COMPILE) $(ARGS) pyproject.toml constraints/build.in -o constraints/runtime.txt
	$(UV_COMPILE) $(ARGS) -c constraints/runtime.txt constraints/demo.in -o constraints/demo.txt
	$(UV_COMPILE) $(ARGS) --extra dev --extra postgresql -c constraints/runtime.txt \
		pyproject.toml constraints/build.in constraints/demo.in -o constraints/development.txt

.PHONY: clean
clean: ## Remove everything that was installed, built or made by the demo
	rm -rf .venv .build .cache .demo dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf contracts/node_modules contracts/anvil/node_modules themes/default/node_modules tests/node/*/node_modules

.PHONY: system
system:
	@scripts/system-packages

.venv/bin/python:
	@scripts/make-venv "$(PYTHON)"

.venv/.runtime: .venv/bin/python constraints/runtime.txt pyproject.toml
	@echo "Installing Python packages"
	@$(PIP) install --require-hashes -r constraints/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.demo: .venv/.runtime constraints/demo.txt
	@echo "Installing what draws the demo's films"
	@$(PIP) install --require-hashes -r constraints/demo.txt
	@touch $@

.venv/.development: .venv/.runtime constraints/development.txt
	@echo "Installing Python packages for the tests"
	@$(PIP) install --require-hashes -r constraints/development.txt
	@touch $@

.build/lock/bin/uv: .venv/bin/python constraints/lock.txt
	@.venv/bin/python -m venv .build/lock
	@.build/lock/bin/python -m pip --quiet install --require-hashes -r constraints/lock.txt
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json %/package.json
	@command -v npm >/dev/null || { echo "npm is not here. Install Node.js 20 or newer with npm." >&2; exit 1; }
	@echo "Installing Node packages of $*"
	@cd $* && npm ci --ignore-scripts --loglevel=error
	@touch $@
