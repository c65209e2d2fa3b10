# Polybroker's commands. `make` lists them. All of them set up what is missing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ASYNC_VENV := .venv-ib-async
ASYNC_READY := $(ASYNC_VENV)/.ready
PORT ?= 8080
LOCK := uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --quiet
export PYTHONUNBUFFERED := 1

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Make the .venv from the lock (done by every other command when needed)

$(READY): requirements.txt pyproject.toml
	@python=$$(for p in $(PYTHON) python3 python3.13 python3.12 python3.11; do
	  if command -v "$$p" >/dev/null && "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then echo "$$p"; break; fi
	done)
	if [ -z "$$python" ]; then echo "Polybroker needs Python 3.11, 3.12 or 3.13; found $$(python3 --version 2>&1 || echo none). Name one: make setup PYTHON=/path/to/python3.12" >&2; exit 1; fi
	if ! { [ -x $(BIN)/python ] && $(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; }; then
	  echo "Making $(VENV) with $$("$$python" --version) ..."
	  "$$python" -m venv --clear $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing (Debian: apt-get install python3-venv)" >&2; exit 1; }
	fi
	uv=$$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.txt)
	if ! $(BIN)/uv --version 2>/dev/null | grep -q "uv $$uv"; then echo "Getting uv $$uv ..."; $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$$uv"; fi
	index=$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)}
	if [ -n "$$index" ] && [ -z "$${UV_DEFAULT_INDEX:-}$${UV_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX="$$index"; fi
	export VIRTUAL_ENV="$(CURDIR)/$(VENV)"
	$(BIN)/uv pip install --require-hashes -r requirements.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY) ## Run the whole pipeline on sandbox venues and print what happened [SCREENS=dir CATALOGS=dir]
	@$(BIN)/python -m include.hooks.demo $(if $(SCREENS),--screens "$(SCREENS)") $(if $(CATALOGS),--catalogs "$(CATALOGS)")

test: $(READY) ## Run all tests and check the coverage of include/
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --cov=include --cov-report=term:skip-covered --cov-fail-under=90 $(ARGS)

test-ib-async: $(ASYNC_READY) ## Run the tests of IBKR's adapter on ib_async, in a venv of its own
	@$(ASYNC_VENV)/bin/python -m pytest -p no:cacheprovider tests/brokers/ibkr $(ARGS)

$(ASYNC_READY): $(READY) requirements-ib-async.txt
	@$(BIN)/python -m venv --clear $(ASYNC_VENV)
	index=$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)}
	if [ -n "$$index" ] && [ -z "$${UV_DEFAULT_INDEX:-}$${UV_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX="$$index"; fi
	VIRTUAL_ENV="$(CURDIR)/$(ASYNC_VENV)" $(BIN)/uv pip install --quiet --require-hashes -r requirements-ib-async.txt
	touch $@

lint: $(READY) ## Check style, types and who imports whom
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

up: $(READY) ## Start Airflow and the sandbox venues in the background [PORT=8080 SCREENS=dir CATALOGS=dir]
	@$(BIN)/python -m include.hooks.up start --port $(PORT) $(if $(SCREENS),--screens "$(SCREENS)") $(if $(CATALOGS),--catalogs "$(CATALOGS)")

down: ## End what `make up` started
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m include.hooks.up stop; else echo "Nothing is set up, so nothing runs."; fi

status: $(READY) ## Show the processes of `make up`
	@$(BIN)/python -m include.hooks.up status

backfill: $(READY) ## Run the sessions FROM=2026-01-05 TO=2026-01-07 one after the other (needs `make up`)
	@if [ -z "$(FROM)" ] || [ -z "$(TO)" ]; then echo "usage: make backfill FROM=2026-01-05 TO=2026-01-07" >&2; exit 2; fi
	$(BIN)/python -m include.hooks.up backfill --from "$(FROM)" --to "$(TO)"

bench: $(READY) ## Measure the figures in docs/benchmarks.md [ARGS="speed curve pacing airflow paper universe accuracy targets"]
	@$(BIN)/python -m benchmarks $(ARGS)

conformance: $(READY) $(ASYNC_READY) ## Run the conformance suite of every broker and write docs/conformance.md
	@$(BIN)/python -m tests.conformance

check-conformance: $(READY) $(ASYNC_READY) ## Run it and fail where a case does, or where docs/conformance.md is not what it says
	@$(BIN)/python -m tests.conformance --check

lock: $(READY) ## Compile the requirements*.in to their locks again (keeps what it can; add ARGS=--upgrade)
	@$(BIN)/$(LOCK) --python-version 3.11 $(ARGS) requirements.in -o requirements.txt
	$(BIN)/$(LOCK) --python-version 3.11 $(ARGS) requirements-ib-async.in -o requirements-ib-async.txt

check-lock: $(READY) ## Check that the lock resolves on Python 3.11, 3.12 and 3.13
	@for version in 3.11 3.12 3.13; do
	  $(BIN)/uv pip compile --python-version $$version --no-header --quiet --constraint requirements.txt requirements.in -o /dev/null && echo "Python $$version: resolves within the lock"
	done

clean: down ## Remove the .venv, caches and Airflow's files; keeps data/
	@rm -rf $(VENV) $(ASYNC_VENV) .airflow .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

clean-data: down ## Remove data/: runs, the sandbox's accounts and the order journal
	@rm -rf data

.PHONY: help setup demo test test-ib-async lint up down status backfill bench conformance check-conformance lock check-lock clean clean-data
