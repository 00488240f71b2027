# `make` explains itself; every target sets up what it needs.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Two where tests only compute; three where some wait for servers and for time, and leave their core to another.
WORKERS ?=
COMPUTING := $(or $(WORKERS),2)
WAITING := $(or $(WORKERS),3)

# What is compiled is kept, whatever the caller's shell says: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-quick test-thorough test-newest mutants coverage check docs bench bench-search bench-retention bench-together bench-receive bench-listen bench-reader bench-start new-connector lock clean

help: ## Show what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The lists are whole, so nothing is resolved again: pip would ask for a newer release for an extra of one pinned.
# What is going on is said on stderr: stdout belongs to what the targets print.
.venv/.ready: requirements/dev.txt pyproject.toml
	@echo "Setting up .venv, once: some hundred Python packages, which takes a minute or two" >&2
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing .venv && \
	  VIRTUAL_ENV=.venv uv pip install --no-deps --require-hashes -r requirements/dev.txt && \
	  VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation -e .; \
	else \
	  $(PYTHON) -m venv .venv && \
	  $(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt >&2 && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: .venv/.ready ## Run the main job on stand-ins for three vendors and cameras of one's own (ARGS="--once --json" ends by itself)
	@$(BIN)/alprhub demo $(ARGS)

test: check ## Lint, type-check, hold the layers, run every test (ARGS="-k name" for some)
	@$(BIN)/pytest -q -n $(WAITING) --dist worksteal $(ARGS)

test-quick: .venv/.ready ## Run the tests that take no time: each on SQLite, and none of the slow ones
	@$(BIN)/pytest -q -n $(COMPUTING) --dist worksteal -m "not slow" $(ARGS)

test-thorough: check ## As `test`, with several times the examples that an ordinary run holds each property against
	@ALPRHUB_TEST_THOROUGH=1 $(BIN)/pytest -q -n $(WAITING) --dist worksteal $(ARGS)

mutants: .venv/.ready ## Put faults in, one at a time, and see that the suite notices each (ARGS="--only clock --show")
	@$(BIN)/python tests/support/mutants.py --workers $(COMPUTING) $(ARGS)

coverage: .venv/.ready ## Run every test and list the lines that none came by; fails below `fail_under` of pyproject.toml
	@$(BIN)/pytest -q -n $(WAITING) --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

docs: .venv/.ready ## Write the pages that are generated: docs/cli.md, docs/audit-actions.md
	@$(BIN)/python tests/support/cli_page.py > docs/cli.md.new && mv docs/cli.md.new docs/cli.md
	@$(BIN)/python tests/support/audit_page.py > docs/audit.md.new && mv docs/audit.md.new docs/audit-actions.md

test-newest: ## Run the schedules on the newest releases that pyproject.toml allows, beside the pinned ones
	@$(PYTHON) -m venv .venv-newest
	@.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade -e ".[dev]"
	@.venv-newest/bin/python -m pytest -q -n $(COMPUTING) -p no:cacheprovider tests/flows $(ARGS)

check: .venv/.ready ## Lint, type-check, hold the layers
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > .lint-imports.log 2>&1 || { cat .lint-imports.log; exit 1; }

bench: .venv/.bench ## Measure ingest beside raw executemany and beside dlt (READS=10000)
	@$(BIN)/python -m bench.ingest $(ARGS)

bench-search: .venv/.ready ## Measure every kind of search at ten million reads (READS=1000000, ARGS="--on sqlite")
	@$(BIN)/python -m bench.search $(ARGS)

bench-retention: .venv/.ready ## Measure purge and recompute at ten million reads while somebody reads (READS=1000000, ARGS="--on sqlite")
	@$(BIN)/python -m bench.retention $(ARGS)

bench-together: .venv/.ready ## Measure searches beside imports, recompute, purge and VACUUM (READS=1000000, ARGS="--on sqlite")
	@$(BIN)/python -m bench.together $(ARGS)

bench-receive: .venv/.ready ## Measure the receiver beside raw FastAPI, and kill it (ARGS="--seconds 12")
	@$(BIN)/python -m bench.receive $(ARGS)

bench-listen: .venv/.ready ## Kill broker, listener and hub while documents come by MQTT and TCP (ARGS="--documents 1000 --seconds 14")
	@$(BIN)/python -m bench.listen $(ARGS)

bench-reader: .venv/.bench ## Measure the native reader beside fast-alpr on real photos (ARGS="--photos ../shared/plates --models ../shared/models")
	@$(BIN)/python -m bench.reader $(ARGS)

bench-start: .venv/.ready ## Measure how long `--help` and a search take to start, beside Python itself (ARGS="--runs 20")
	@$(BIN)/python -m bench.start $(ARGS)

.venv/.bench: .venv/.ready requirements/bench.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/bench.txt
	@touch $@

new-connector: .venv/.ready ## Scaffold a vendor module: make new-connector KEY=acme
	@$(BIN)/python -m connectors.scaffold "$(KEY)"

lock: ## Pin every dependency again (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra dev pyproject.toml -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra bench pyproject.toml -c requirements/dev.txt -o requirements/bench.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra build pyproject.toml -c requirements/dev.txt -o requirements/run.txt

clean: ## Remove what was built
	rm -rf .venv .venv-newest .mypy_cache .ruff_cache .pytest_cache .hypothesis .lint-imports.log
