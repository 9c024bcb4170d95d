# `make` prints this list. Everything runs in .venv, made from pyproject.toml with plain venv + pip.
.DEFAULT_GOAL := help
# Tests and benches start `fwdctl` hundreds of times: its modules are compiled once, as wherever it is installed.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
BIN := .venv/bin
TEST ?= tests
ON_COMPILED := tests/unit/relay tests/unit/app/test_station_session.py tests/unit/app/test_csms_connection.py tests/properties/test_relay_machine.py tests/integration/websocket tests/integration/relay

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fwdctl needs Python 3.11 or newer: make PYTHON=python3.11")'
	@echo "setting up .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch .venv/ready

demo: .venv/ready ## the main job on real sockets; KEEP=1 leaves it running
	@$(BIN)/fwdctl demo $(if $(KEEP),--keep)

test: .venv/ready ## all tests, PostgreSQL included; TEST=tests/unit for a part
	@$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(TEST)

check: .venv/ready ## what CI runs besides the tests: format, lint, types, imports, house rules, fresh schemas
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/test_house_rules.py

fix: .venv/ready ## format, and fix what ruff can
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

sim: .venv/ready ## the relay core under a seeded simulation: SEED=n replays one, SEEDS=n explores
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS))

golden: .venv/ready ## rewrite specs/*.json and examples/*/expected-plan.txt from the code
	@$(BIN)/python -m tests.golden

build/compiled: .venv/ready pyproject.toml $(shell find reconciler -name '*.py')
	@rm -rf build && mkdir -p build/source
	@cp -r reconciler examples pyproject.toml README.md build/source
	@echo "compiling the data path (about a minute)"
	@HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target build/compiled build/source
	@cp -r tests bench pyproject.toml build/compiled
	@touch build/compiled

compiled: build/compiled ## the data path compiled to C by mypyc, in build/compiled, and its tests on that
	@cd build/compiled && ../../$(BIN)/python -c 'import reconciler.relay.session as it; assert it.__file__.endswith(".so"), it.__file__'
	@cd build/compiled && ../../$(BIN)/python -m pytest -q -n 2 --dist loadfile -p no:cacheprovider $(ON_COMPILED)

screenshots: .venv/ready ## take the pictures of the guides anew, into docs/images
	@$(BIN)/python -m tests.console

.venv/bench: .venv/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch .venv/bench

bench: .venv/bench build/compiled ## the relay beside nginx, HAProxy and others on the same load; writes bench/RESULTS.md
	@$(BIN)/python -m bench
	@$(MAKE) --no-print-directory bench-plan bench-flips

bench-plan: .venv/bench ## plans of 10,000 and 100,000 chargers beside octoDNS; writes bench/RESULTS-plans.md
	@$(BIN)/python -m bench.plans

bench-flips: .venv/bench build/compiled ## an apply that flips 10,000 live sessions while they call; writes bench/RESULTS-flips.md
	@$(BIN)/python -m bench.flips

bench-full: .venv/bench build/compiled ## the same with more rounds and up to 9,000 chargers
	@$(BIN)/python -m bench --full

fuzz-api: .venv/ready ## schemathesis over the admin API for longer; EXAMPLES=n for each route
	@FWDCTL_FUZZ_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/pytest -q --timeout 3600 tests/integration/test_api_robustness.py

bench-storm: .venv/ready ## 10,000 stations that come back at once over TLS; writes bench/RESULTS-storm.md
	@$(BIN)/python -m bench.storm

.PHONY: help demo test check fix sim golden screenshots compiled bench bench-plan bench-flips bench-full bench-storm fuzz-api
