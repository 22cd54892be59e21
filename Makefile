# Each command sets up .venv by itself; git, make and Python 3.11 or newer are all it needs.
PYTHON ?= python3
BIN := .venv/bin
PLANS := docs/examples/plans
PLAN := 2021-03-31
ENGINE := docs/examples/trading_engine

# What takes long has commands of its own: make docs, make prove, make wire; architecture is for make check.
APART := tests/alpaca tests/architecture tests/ib tests/docs tests/crash tests/model tests/simulation

# Tests wait a third of their time, for programs that they start, for disks and for time-outs.
WORKERS := $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start the program a hundred times: compiled modules save half of each start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo engine test docs site prove wire paper check format lock alpaca ib bench mutants simulate soak build \
	smoke clean

help: ## Say what each command does
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed ## Execute a real plan on the built-in mock broker
	@rm -rf build/demo && mkdir -p build/demo
	@cd build/demo && PLANFILL_MOCK__PRICES="../../$(PLANS)/$(PLAN).prices.json" \
		../../$(BIN)/planfill execute "../../$(PLANS)/$(PLAN).plan.json"

engine: .venv/examples ## Run the trading engine of the examples through a year, and draw its chart
	@rm -rf build/engine && mkdir -p build/engine
	@cd build/engine && PYTHONPATH=../../$(ENGINE)/src ../../$(BIN)/python -m trading_engine

test: .venv/installed ## Run the tests, with the gates on coverage
	@rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report= $(addprefix --ignore=,$(APART)) $(ARGS)
	$(BIN)/coverage report --skip-covered --show-missing
	@echo "domain and application, all branches:"
	@$(BIN)/coverage report --include='src/planfill/domain/*,src/planfill/application/*' --fail-under=100 --format=total

docs: .venv/examples ## Run every command and snippet of README and docs, and compare what they say with the code
	$(BIN)/pytest -n $(WORKERS) tests/docs $(ARGS)

site: .venv/installed ## Build the documentation as a site, readable offline: build/site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "build/site/index.html"

prove: .venv/installed ## Kill it at every step, simulate worlds, visit every state: none doubled, none lost
	$(BIN)/pytest -n $(WORKERS) --dist worksteal tests/crash tests/model tests/simulation $(ARGS)

wire: .venv/installed ## Run the adapters over the wire: contract, incidents, storm, at a local Alpaca and a local IB gateway
	@# It waits most of the time, for answers that never come: more workers than cores.
	$(BIN)/pytest -n 6 --dist worksteal tests/alpaca tests/ib $(ARGS)

paper: .venv/installed ## Run the contract and a small round trip at Alpaca's paper API; needs keys, refuses live
	$(BIN)/pytest -m paper -v -rs tests/paper $(ARGS)

check: .venv/installed ## Check format, lint, types, import contracts and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/architecture

format: .venv/installed ## Format the code, mend what lint can mend, refresh what is made from the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python scripts/core_size.py --write README.md
	$(BIN)/python -c "from planfill.adapters.cli.schema import result_schema; print(result_schema(), end='')" \
		> docs/reference/result.schema.json
	$(BIN)/python scripts/broker_contract.py docs/reference/broker-contract.md
	$(BIN)/python scripts/cli_page.py

alpaca: .venv/installed ## Start the local Alpaca, for trying the adapter by hand
	@PYTHONPATH=tests/support $(BIN)/python -m alpaca_server --prices $(PLANS)/$(PLAN).prices.json

ib: .venv/installed ## Start the local gateway of Interactive Brokers, likewise
	@PYTHONPATH=tests/support $(BIN)/python -m ib_gateway --prices $(PLANS)/$(PLAN).prices.json

bench: .venv/installed ## Run the benchmarks, ten minutes; FULL=1 runs the whole matrix, more than an hour
	@set -e; for bench in lines listener alerts process growth profile; do $(BIN)/python benchmarks/bench_$$bench.py; done
	$(BIN)/python benchmarks/bench_limit.py $(if $(FULL),--full)
	$(BIN)/python benchmarks/bench_alpaca.py $(if $(FULL),--full)

mutants: .venv/installed ## Test the tests: mutate the domain and the core
	rm -rf mutants
	$(BIN)/mutmut run
	$(BIN)/python scripts/mutation_score.py

simulate: .venv/installed ## Simulate SEEDS=3000 worlds; SEED=7 replays one with its trace
	$(BIN)/python scripts/simulate.py $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),3000))

soak: .venv/installed ## Simulate SEEDS=100000 worlds; break the core on purpose and see that it is noticed
	$(BIN)/python scripts/simulate.py --seeds $(or $(SEEDS),100000)
	$(BIN)/python scripts/mutate_core.py
	$(BIN)/pytest -n auto -m soak

build: .venv/installed ## Build the wheel into dist/
	@rm -rf dist
	$(BIN)/python -m build --no-isolation --wheel

smoke: build ## Install the wheel in a clean environment and use it
	scripts/smoke $(BIN)/python dist/*.whl

lock: .venv/uv ## Resolve the newest versions that pyproject.toml allows into requirements.lock
	@mkdir -p build
	.venv/uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 --group dev --no-annotate \
		--no-emit-index-url --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	.venv/uv/bin/uv pip compile --quiet --universal --upgrade --python-version 3.11 --group examples --no-annotate \
		--no-emit-index-url --no-header --constraint requirements.lock --output-file build/examples.lock
	@{ head -n 2 requirements.lock; echo "# What requirements.lock does not have."; \
		grep -vxFf requirements.lock build/examples.lock; } > $(ENGINE)/requirements.lock

clean: ## Remove all that these commands made
	rm -rf .venv build dist mutants .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# Two stamps: a changed pyproject.toml costs a second, only a changed lock installs anew. The lock names every
# package, so pip need not resolve; and most of what it installs is never imported, so Python compiles on demand.
.venv/installed: pyproject.toml .venv/locked
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

.venv/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Planfill needs Python 3.11 or newer, and '$(PYTHON)' is not that: install it, or name one, as in: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' has no venv module: install it (on Debian and Ubuntu: apt install python3-venv) and try again" >&2; exit 1; }
	@echo "Setting up .venv (once, about half a minute)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install -qq --no-deps --no-compile --requirement requirements.lock
	@$(BIN)/pip check --quiet
	@touch $@

# Heavy, and of no use to anything else: skfolio, and what it stands on.
.venv/examples: $(ENGINE)/requirements.lock .venv/installed
	@echo "Adding skfolio to .venv (once, a quarter of a minute)"
	@$(BIN)/pip install -qq --no-deps --no-compile --requirement $<
	@$(BIN)/pip check --quiet
	@touch $@

.venv/uv:
	@$(PYTHON) -m venv $@
	@$@/bin/pip install -qq uv
